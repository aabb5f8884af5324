//! What each screen shows.

use serde_json::json;

use super::{Browser, OF_AGENT, screen, text};
use crate::support::{Answer, Buddy, Endpoint};

#[tokio::test]
async fn a_thousand_agents_are_paged_and_searched() {
    let buddy = Buddy::alone();
    let browser = Browser::signed_in(&buddy).await;
    for number in 0..1000 {
        let new = json!({"name": format!("Agent {number:04} Ä")});
        buddy.operator("POST", "/v1/agents", Some(new)).await.expect_status(201);
    }
    let mut names = Vec::new();
    let mut path = "/console".to_owned();
    loop {
        let page = browser.page(&path).await;
        let rows = page.split("<tr>").skip(2);
        names.extend(rows.map(|row| row.split("\">").nth(2).unwrap().split('<').next().unwrap().to_owned()));
        let Some(next) = page.split("href=\"").find(|part| part.contains("rel=\"next\"")) else { break };
        path = next.split('"').next().unwrap().replace("&#38;", "&");
    }
    let newest_first: Vec<_> = (0..1000).rev().map(|number| format!("Agent {number:04} Ä")).collect();
    assert!(names == newest_first, "{} agents, first {:?}", names.len(), names.first());

    for (search, found) in
        [("ent%200999", 1), ("AGENT%2009", 50), ("%C3%A4", 50), ("agent%20099", 10), ("nobody", 0)]
    {
        let page = browser.page(&format!("/console?search={search}")).await;
        assert_eq!(page.matches("<th scope=\"row\">").count(), found, "{search}");
    }
    let second = browser.page("/console?search=AGENT%2009").await;
    let next = second.split("href=\"").find(|part| part.contains("rel=\"next\"")).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let second = browser.page(&next).await;
    assert_eq!(second.matches("<th scope=\"row\">").count(), 50);
    assert!(!second.contains("rel=\"next\""), "there are a hundred of them");
    browser.get("/console?cursor=nonsense").await.expect_status(422);
}

#[tokio::test]
async fn what_is_not_there_is_a_page_too() {
    let buddy = Buddy::alone();
    let browser = Browser::signed_in(&buddy).await;
    let agent = buddy.bare_agent().await;
    let nowhere = crate::routes::NO_AGENT;
    let mut paths = vec!["/console/nonsense".to_owned(), "/console/agents/nonsense".to_owned()];
    paths.extend(OF_AGENT.map(|rest| format!("/console/agents/{nowhere}{rest}")));
    paths.push(screen(&agent, "/nonsense"));
    for path in paths {
        let page = text(&browser.get(&path).await.expect_status(404));
        assert!(page.contains("<h1>Not Found</h1>") && page.contains("There is no such"), "{path}: {page}");
    }
    for (path, allowed) in [("/console/sign-out", "POST"), ("/console/agents", "POST")] {
        let reply = browser.get(path).await.expect_status(405);
        assert!(super::header(&reply, "allow").contains(allowed), "{path}");
    }
}

#[tokio::test]
async fn the_consoles_own_files_are_kept_for_ever_under_their_version() {
    let buddy = Buddy::alone();
    let page = Browser::stranger(&buddy).page("/console/sign-in").await;
    let paths: Vec<_> = page.split('"').filter(|part| part.starts_with("/console/assets/")).collect();
    assert_eq!(paths.len(), 3);
    for path in paths {
        let request = buddy.api.request("GET", path).body(axum::body::Body::empty()).unwrap();
        let reply = buddy.api.try_send(request).await.unwrap().expect_status(200);
        assert_eq!(super::header(&reply, "cache-control"), "public, max-age=31536000, immutable");
        let kinds = [(".js", "text/javascript"), (".css", "text/css"), (".svg", "image/svg+xml")];
        let kind = kinds.iter().find(|(end, _)| path.ends_with(end)).unwrap().1;
        assert!(super::header(&reply, "content-type").starts_with(kind), "{path}");
        let other = path.replacen("assets/", "assets/0", 1);
        buddy.operator("GET", &other, None).await.expect_problem(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn an_agents_sessions_are_counted_and_drawn() {
    let endpoint = Endpoint::open(|_| Answer::json(json!({"userId": "1815"}))).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let bare = buddy.bare_agent().await;
    let browser = Browser::signed_in(&buddy).await;
    assert!(browser.page(&screen(&agent, "")).await.contains("No session was settled in this time."));
    for _ in 0..3 {
        buddy.session(&agent).await;
    }
    buddy.session(&bare).await;
    let start = browser.page("/console").await;
    let row = |id: &str| start.split("<tr>").find(|row| row.contains(id)).unwrap().to_owned();
    for (id, identified, failed, of) in [(&agent.id, 100, 0, 3), (&bare.id, 0, 100, 1)] {
        let row = row(id);
        for text in [
            format!("<span class=\"good\">{identified}<span class=\"unseen\"> % identified"),
            format!("<span class=\"bad\">{failed}<span class=\"unseen\"> % failed"),
            format!("of {of}</span>"),
        ] {
            assert_eq!(row.matches(&text).count(), 3, "hour, day and week: {text} in {row}");
        }
    }
    for window in ["1h", "24h", "7d", "1y"] {
        let page = browser.page(&screen(&agent, &format!("?window={window}"))).await;
        assert!(page.contains("aria-label=\"Outcomes: 3 identified\""), "{window}: {page}");
        assert_eq!(page.matches("<path class=\"authenticated\"").count(), 1, "{window}");
        assert!(
            page.contains("<path class=\"line p99\" d=\"M") && page.contains("timeoutMs 3000"),
            "{window}"
        );
        assert!(page.contains(&format!("?window={window}\" aria-current=\"page\"")), "{window}");
        // A window may begin between two of the sessions' minutes, and then there are two rows.
        let table = page.split("The same in numbers</summary>").nth(1).unwrap();
        assert!(
            (1..=2).contains(&table.split("</table>").next().unwrap().matches("<th scope=\"row\">").count())
        );
    }
    let bare = browser.page(&screen(&bare, "")).await;
    assert!(bare.contains("1 AUTH_NOT_CONFIGURED") && !bare.contains("<h2>Durations</h2>"), "{bare}");
    browser.get(&screen(&agent, "?window=2h")).await.expect_status(422);
}
