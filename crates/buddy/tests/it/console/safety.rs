//! What no page may do or show.

use std::path::Path;

#[test]
fn no_template_switches_the_escaping_off() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut seen = 0;
    for entry in std::fs::read_dir(templates).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for forbidden in ["|safe", "| safe", "autoescape", "|escape(", "| escape("] {
            assert!(!text.contains(forbidden), "{}: {forbidden}", path.display());
        }
        seen += 1;
    }
    assert!(seen >= 10, "the templates are there");
}
