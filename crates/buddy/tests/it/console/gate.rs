//! Who gets in, and from where.

use super::{Browser, cookie, header, text};
use crate::support::{ADMIN_TOKEN, Buddy, Setup};

#[tokio::test]
async fn who_is_not_signed_in_is_led_to_the_form_and_from_there_on() {
    let buddy = Buddy::alone();
    let stranger = Browser::stranger(&buddy);
    for (wanted, form) in [
        ("/console", "/console/sign-in"),
        ("/console/", "/console/sign-in?to=%2Fconsole%2F"),
        ("/console/agents/new", "/console/sign-in?to=%2Fconsole%2Fagents%2Fnew"),
        ("/console?search=a%26b", "/console/sign-in?to=%2Fconsole%3Fsearch%3Da%2526b"),
        ("/console/nonsense", "/console/sign-in?to=%2Fconsole%2Fnonsense"),
    ] {
        let reply = stranger.get(wanted).await.expect_status(303);
        assert_eq!(header(&reply, "location"), form, "{wanted}");
    }
    let form = stranger.page("/console/sign-in?to=%2Fconsole%3Fsearch%3Da%2526b").await;
    assert!(form.contains("name=\"to\" value=\"/console?search=a%26b\""), "{form}");
    let fields = [("token", ADMIN_TOKEN), ("to", "/console?search=a%26b")];
    let reply = stranger.post("/console/sign-in", &fields).await.expect_status(303);
    assert_eq!(header(&reply, "location"), "/console?search=a%26b");

    let set = header(&reply, "set-cookie");
    assert!(set.ends_with("; Path=/console; Max-Age=43200; HttpOnly; SameSite=Strict"), "{set}");
    let browser = Browser { buddy: &buddy, cookie: Some(cookie(&reply)) };
    assert!(browser.page("/console").await.contains("<h1>Agents</h1>"));
    let again = browser.get("/console/sign-in?to=%2Fconsole%2Fagents%2Fnew").await.expect_status(303);
    assert_eq!(header(&again, "location"), "/console/agents/new");
}

#[tokio::test]
async fn nobody_is_led_away_from_the_console() {
    let buddy = Buddy::alone();
    let stranger = Browser::stranger(&buddy);
    for to in
        ["https://evil.example/console", "//evil.example", "/v1/agents", "/console/../v1", "/console\\..", ""]
    {
        let fields = [("token", ADMIN_TOKEN), ("to", to)];
        let reply = stranger.post("/console/sign-in", &fields).await.expect_status(303);
        assert_eq!(header(&reply, "location"), "/console", "{to}");
    }
}

#[tokio::test]
async fn a_wrong_token_gets_nobody_in() {
    let buddy = Buddy::alone();
    let stranger = Browser::stranger(&buddy);
    let key = buddy.bare_agent().await.key;
    let cut = &ADMIN_TOKEN[..ADMIN_TOKEN.len() - 1];
    for wrong in ["", "nonsense", cut, key.as_str()] {
        let reply = stranger.post("/console/sign-in", &[("token", wrong)]).await.expect_status(403);
        assert!(!reply.headers.contains_key("set-cookie"));
        let page = text(&reply);
        assert!(page.contains("role=\"alert\"") && page.contains("not the admin token"), "{page}");
        assert!(wrong.is_empty() || !page.contains(wrong), "what was typed is not shown");
    }
    assert!(buddy.log().contains("with a wrong token was refused"));
    assert!(!buddy.log().contains(cut));
    for cookie in ["buddy_console=", "buddy_console=9999999999.00", "other=1"] {
        let browser = Browser { buddy: &buddy, cookie: Some(cookie.to_owned()) };
        browser.get("/console").await.expect_status(303);
    }
}

#[tokio::test]
async fn who_tries_often_is_told_to_wait() {
    let buddy = Buddy::alone();
    let stranger = Browser::stranger(&buddy);
    for _ in 0..10 {
        stranger.post("/console/sign-in", &[("token", "nonsense")]).await.expect_status(403);
    }
    let mut statuses = Vec::new();
    // A place comes free every six seconds: of two more tries one finds none, however slow they are.
    for _ in 0..2 {
        let reply = stranger.post("/console/sign-in", &[("token", ADMIN_TOKEN)]).await;
        if reply.status == 429 {
            assert!(header(&reply, "retry-after").parse::<u64>().unwrap() <= 7);
            assert!(text(&reply).contains("Too many sign-ins from this address"), "{reply:?}");
            assert!(!reply.headers.contains_key("set-cookie"));
        }
        statuses.push(reply.status.as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn signing_out_takes_the_cookie_back() {
    let buddy = Buddy::alone();
    let browser = Browser::signed_in(&buddy).await;
    let reply = browser.post("/console/sign-out", &[]).await.expect_status(303);
    assert_eq!(header(&reply, "location"), "/console/sign-in");
    let set = header(&reply, "set-cookie");
    assert!(set.starts_with("buddy_console=; ") && set.contains("Max-Age=0"), "{set}");
    let left = Browser { buddy: &buddy, cookie: Some(cookie(&reply)) };
    left.get("/console").await.expect_status(303);
}

#[tokio::test]
async fn over_https_the_cookie_is_for_https_only() {
    let buddy = Setup::new(None).env("BUDDY_PUBLIC_URL", "https://buddy.example").start();
    let reply = Browser::stranger(&buddy).post("/console/sign-in", &[("token", ADMIN_TOKEN)]).await;
    let set = header(&reply, "set-cookie").to_owned();
    assert!(set.starts_with("__Secure-buddy_console=") && set.ends_with("; Secure"), "{set}");
    let browser = Browser { buddy: &buddy, cookie: Some(cookie(&reply)) };
    browser.get("/console").await.expect_status(200);
}

#[tokio::test]
async fn a_server_with_another_admin_token_takes_no_cookie_of_this_one() {
    let buddy = Buddy::alone();
    let cookie = Browser::signed_in(&buddy).await.cookie;
    let restarted = buddy.kill().start();
    Browser { buddy: &restarted, cookie: cookie.clone() }.get("/console").await.expect_status(200);
    let changed = restarted.kill().env("BUDDY_ADMIN_TOKEN", "bat_another-admin-token-0123456789").start();
    Browser { buddy: &changed, cookie }.get("/console").await.expect_status(303);
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let buddy = Buddy::alone();
    let browser = Browser::signed_in(&buddy).await;
    let fields = [("name", "Forged")];
    let own = format!("http://{}", buddy.address);
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ] {
        let reply = browser.post_with("/console/agents", &fields, headers).await.expect_status(403);
        assert!(text(&reply).contains("was not sent by a page of the console"), "{headers:?}");
        let to_sign_in = browser.post_with("/console/sign-in", &[("token", ADMIN_TOKEN)], headers).await;
        assert!(!to_sign_in.expect_status(403).headers.contains_key("set-cookie"), "{headers:?}");
    }
    assert!(!browser.page("/console").await.contains("Forged"));
    for headers in
        [&[("origin", own.as_str())][..], &[("sec-fetch-site", "same-origin")], &[("sec-fetch-site", "none")]]
    {
        browser.post_with("/console/agents", &fields, headers).await.expect_status(303);
    }
}

#[tokio::test]
async fn a_link_of_another_site_leads_in_by_a_step_of_our_own() {
    let buddy = Buddy::alone();
    let stranger = Browser::stranger(&buddy);
    let headers = [("sec-fetch-site", "cross-site")];
    let page = text(&stranger.get_with("/console/agents/new", &headers).await.expect_status(200));
    assert!(page.contains("http-equiv=\"refresh\" content=\"0; url=/console/agents/new\""), "{page}");
    assert!(!page.contains("<form"), "nothing of the screen");
}
