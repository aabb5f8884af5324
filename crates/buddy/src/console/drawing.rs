//! What all pictures have in common.

/// Counts and microseconds, as a picture takes them.
#[expect(clippy::cast_precision_loss, reason = "a picture is drawn, not counted with")]
pub(super) fn float(number: u64) -> f64 {
    number as f64
}

/// To a tenth of a unit: less cannot be seen.
pub(super) fn round(units: f64) -> f64 {
    (units * 10.0).round() / 10.0
}
