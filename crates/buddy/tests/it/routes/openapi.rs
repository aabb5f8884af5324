//! The OpenAPI document is what it was: a golden file, so that no change of the API goes unseen.

use crate::support::{Buddy, GOLDEN};

#[tokio::test]
async fn the_served_document_is_the_golden_file() {
    let buddy = Buddy::alone();
    let served = buddy.api.call("GET", "/v1/openapi.json", None, None).await.expect_status(200);
    assert_eq!(served.json["openapi"], "3.1.0");
    let served = serde_json::to_string_pretty(&served.json).unwrap() + "\n";
    #[expect(clippy::disallowed_methods, reason = "a switch of this test's, and no setting of Buddy's")]
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    if update {
        std::fs::write(GOLDEN, &served).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    assert!(
        served == golden,
        "the API has changed: look at `UPDATE_GOLDEN=1 cargo test openapi` and git diff"
    );
}
