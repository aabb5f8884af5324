//! How a file says its SQL.

/// Declares a file's statements: each a constant, and all of them in `ALL` for the test that prepares every one.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(super) const $name: &str = $sql;)*
        #[cfg(test)]
        pub(super) const ALL: &[&str] = &[$($name),*];
    };
}
pub(crate) use statements;
