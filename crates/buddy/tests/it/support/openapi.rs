//! The OpenAPI document is true: every answer that any test sees is one that it describes.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::Reply;

/// The golden file; another test shows that the server serves exactly this.
pub(crate) const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/openapi.json");

fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let text = std::fs::read_to_string(GOLDEN).expect("the golden file is there");
        serde_json::from_str(&text).expect("the golden file is JSON")
    })
}

/// Fails if a described call was answered in a way that is not described.
#[track_caller]
pub(crate) fn hold(method: &str, path: &str, reply: &Reply) {
    let Some((template, operation)) = operation(method, path) else { return };
    let status = reply.status.as_u16().to_string();
    let response = &operation["responses"][&status];
    assert!(response.is_object(), "{method} {path}: status {status} is not in the OpenAPI document");
    let Some(content) = response["content"].as_object() else {
        assert!(reply.body.is_empty(), "{method} {path}: {status} is described without a body");
        return;
    };
    let content_type = reply.headers["content-type"].to_str().expect("a text");
    let described = &content[content_type]["schema"];
    assert!(described.is_object(), "{method} {path}: {status} as {content_type} is not described");
    let validator = validator(format!("{method} {template} {status} {content_type}"), described);
    if let Err(error) = validator.validate(&reply.json) {
        panic!("{method} {path}: {status} is not as described: {error}\n{}", reply.json);
    }
}

/// Fails if the data of an event is not as the schema of this name says.
#[track_caller]
pub(crate) fn hold_event(schema: &str, data: &Value) {
    let described = json!({"$ref": format!("#/components/schemas/{schema}")});
    if let Err(error) = validator(format!("event {schema}"), &described).validate(data) {
        panic!("an event is not as {schema} describes it: {error}\n{data}");
    }
}

/// The validator of what is described there, made once: that takes longer than the calls themselves.
fn validator(place: String, described: &Value) -> Arc<Validator> {
    static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let make = || {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [described],
            "unevaluatedProperties": false,
            "components": document()["components"],
        });
        let options = jsonschema::options().should_validate_formats(true);
        Arc::new(options.build(&schema).expect("a schema"))
    };
    let mut validators = VALIDATORS.lock().expect("making one does not panic");
    Arc::clone(validators.entry(place).or_insert_with(make))
}

/// The call's path as the document writes it, and what it says of the call.
fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let paths = document()["paths"].as_object().expect("paths");
    // What is named outright goes before what a parameter takes.
    let (template, item) =
        paths.get_key_value(path).or_else(|| paths.iter().find(|(template, _)| fits(template, path)))?;
    Some((template, item.get(method.to_lowercase())?))
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(&path).all(|(part, given)| part.starts_with('{') || part == given)
}
