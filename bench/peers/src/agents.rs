//! Whose callback goes where.

use std::collections::HashMap;
use std::path::Path;

use crate::Failure;

/// The URL of each agent's callback, from a file with one JSON object.
pub fn read(file: &Path) -> Result<HashMap<String, String>, Failure> {
    let text = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(serde_json::from_slice(&text)?)
}
