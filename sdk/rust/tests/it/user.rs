use buddy_verify::{BadUser, EMAIL_CHARS_MAX, ROLE_CHARS_MAX, USER_ID_CHARS_MAX, User, identity};
use serde_json::{Value, json};

fn body(user: &User) -> String {
    identity::answer(Some(user)).expect("Buddy takes this user").body
}

#[test]
fn a_user_is_answered_with_what_is_known_of_them_and_nothing_else() {
    assert_eq!(body(&User::new("42")), r#"{"userId":"42"}"#);
    assert_eq!(body(&User::new(42)), r#"{"userId":42}"#);
    assert_eq!(body(&User::new(u64::MAX)), r#"{"userId":18446744073709551615}"#);
    assert_eq!(body(&User::new(i64::MIN)), r#"{"userId":-9223372036854775808}"#);
    assert_eq!(body(&User::new("42").custom_attributes(Value::Null)), r#"{"userId":"42"}"#);
    let ada = User::new("42").email("").role("customer").custom_attributes(json!({"seats": 3}));
    assert_eq!(body(&ada), r#"{"userId":"42","email":"","role":"customer","customAttributes":{"seats":3}}"#);
}

#[test]
fn a_name_in_any_script_is_kept_and_counted_in_characters() {
    let id = "Žofie 🐈 ".repeat(32);
    assert_eq!(id.chars().count(), USER_ID_CHARS_MAX);
    let answered: Value = serde_json::from_str(&body(&User::new(id.as_str()))).unwrap();
    assert_eq!(answered["userId"], json!(id));
    assert_eq!(User::new(id + "x").check(), Err(BadUser::UserId));
}

#[test]
fn a_user_that_buddy_would_not_take_is_refused_by_the_member_that_is_wrong() {
    let ada = || User::new("ada");
    for id in ["", " ", "\u{a0}\u{2003}", "ada\n", "a\0", "\u{85}ada"] {
        assert_eq!(User::new(id).check(), Err(BadUser::UserId), "{id:?}");
    }
    assert_eq!(ada().email("é".repeat(EMAIL_CHARS_MAX)).check(), Ok(()));
    assert_eq!(ada().email("é".repeat(EMAIL_CHARS_MAX + 1)).check(), Err(BadUser::Email));
    assert_eq!(ada().role("é".repeat(ROLE_CHARS_MAX)).check(), Ok(()));
    assert_eq!(ada().role("é".repeat(ROLE_CHARS_MAX + 1)).check(), Err(BadUser::Role));
    for attributes in [json!([]), json!("gold"), json!(1), json!(true)] {
        assert_eq!(ada().custom_attributes(attributes).check(), Err(BadUser::CustomAttributes));
    }
    assert!(BadUser::CustomAttributes.to_string().contains("customAttributes"));
}
