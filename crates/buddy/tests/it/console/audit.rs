//! What operators did, here and by the API.

use serde_json::json;

use super::{Browser, screen, unescaped};
use crate::support::{ADMIN_TOKEN, Buddy};

#[tokio::test]
async fn what_is_done_here_and_by_the_api_is_in_the_log_without_a_secret() {
    let buddy = Buddy::alone();
    let browser = Browser::signed_in(&buddy).await;
    Browser::stranger(&buddy).post("/console/sign-in", &[("token", "wrong")]).await.expect_status(403);
    let (agent, other) = (buddy.bare_agent().await, buddy.bare_agent().await);
    let secret = "CANARY-secret-0123456";
    let fields = [("url", "https://127.0.0.1:9/CANARY?CANARY=1"), ("secret", secret), ("enabled", "true")];
    browser.post(&screen(&agent, "/callback"), &fields).await.expect_status(303);
    browser.post(&screen(&agent, "/callback"), &[("url", "http://shop.example/")]).await.expect_status(422);
    buddy.operator("PATCH", &agent.path(), Some(json!({"name": "CANARY"}))).await.expect_status(200);

    let page = unescaped(&browser.page("/console/audit").await);
    let rows: Vec<_> = page.split("<tr>").skip(2).collect();
    let newest_first = [
        "updateAgent",
        "putCallback",
        "putCallback",
        "createApiKey",
        "createAgent",
        "createApiKey",
        "createAgent",
        "signIn",
    ];
    assert_eq!(rows.len(), newest_first.len(), "{page}");
    for (row, action) in rows.iter().zip(newest_first) {
        assert!(row.contains(&format!("<code>{action}</code>")), "{action}: {row}");
        assert!(row.contains("<td>admin</td>") && row.contains("<td>127.0.0.1</td>"), "{row}");
    }
    assert!(rows[0].contains("name") && rows[0].contains("<td class=\"good\">done</td>"));
    assert!(rows[1].contains("<td class=\"bad\">INVALID_CALLBACK_URL</td>"), "{}", rows[1]);
    assert!(rows[2].contains("url") && rows[2].contains("secret"), "{}", rows[2]);
    for hidden in ["CANARY", secret, &agent.key, ADMIN_TOKEN] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    let of_other = browser.page(&format!("/console/audit?agentId=+{}", other.id)).await;
    assert_eq!(of_other.matches(&*other.id).count(), 2 * 2 + 1, "two rows, and the filter: {of_other}");
    assert!(!of_other.contains(&agent.id));
    for bad in ["agentId=nonsense", "cursor=nonsense"] {
        browser.get(&format!("/console/audit?{bad}")).await.expect_status(422);
    }
}
