//! Who shops here. Yours are in a database.

use buddy_verify_axum::User;
use serde_json::json;

/// The id of the user of this name.
pub fn id_of(name: &str) -> Option<&'static str> {
    match name {
        "ada" => Some("ada-1815"),
        "grace" => Some("grace-1906"),
        _ => None,
    }
}

/// What the agent may know of a user.
pub fn find(user_id: &str) -> Option<User> {
    let (email, plan) = match user_id {
        "ada-1815" => ("ada@shop.example", "gold"),
        "grace-1906" => ("grace@shop.example", "silver"),
        _ => return None,
    };
    Some(User::new(user_id).email(email).role("customer").custom_attributes(json!({"plan": plan})))
}
