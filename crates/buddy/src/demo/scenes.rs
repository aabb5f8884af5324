//! What can happen to a session, each played for real through the public API.

use buddy_shop::users::Shopper;
use serde_json::json;

use super::acts::Act;
use super::client::text;
use super::print::Told;
use super::{Backstage, Failure};

/// Short, so that the slow endpoint does not try the patience of who watches; the default is 3,000.
const TIMEOUT_MS: u32 = 400;

/// One session and what becomes of it.
struct Scene {
    title: &'static str,
    act: Act,
    signed_in: bool,
}

const SCENES: [Scene; 5] = [
    Scene { title: "Ada is signed in to the shop", act: Act::Healthy, signed_in: true },
    Scene { title: "Nobody is signed in", act: Act::Healthy, signed_in: false },
    Scene { title: "The endpoint is slow", act: Act::Slow, signed_in: true },
    Scene { title: "The endpoint is broken", act: Act::LoginPage, signed_in: true },
    Scene { title: "The endpoint is down", act: Act::Down, signed_in: true },
];

/// Plays every scene and prints each when it has ended.
pub(super) async fn play_all(backstage: &Backstage) -> Result<(), Failure> {
    for (index, scene) in SCENES.iter().enumerate() {
        let told = play(backstage, scene).await?;
        backstage.printer.scene(&format!("{}. {}", index + 1, scene.title), &told)?;
    }
    Ok(())
}

async fn play(backstage: &Backstage, scene: &Scene) -> Result<Told, Failure> {
    let Backstage { client, shop, board, .. } = backstage;
    let url = scene.act.url(shop)?;
    let callback = json!({"url": url, "secret": backstage.secret, "timeoutMs": TIMEOUT_MS});
    let agent = backstage.agent(scene.title, &[], callback).await?;

    // The widget begins a session; the page has the shop bind it to whoever is signed in.
    let begin = json!({"agentId": agent.id, "identify": false});
    let session = client.call("POST", "/v1/sessions", None, Some(begin)).await?;
    let (session_id, token) = (text(&session, "sessionId"), text(&session, "sessionToken"));
    let ticket = if scene.signed_in { Some(shop.bind(session_id, Shopper::Ada)?) } else { None };

    let body = ticket.map_or_else(|| json!({}), |ticket| json!({"ticket": ticket}));
    let path = format!("/v1/sessions/{session_id}/identify?wait=5");
    let visitor = client.call("POST", &path, Some(token), Some(body)).await?;
    let path = format!("/v1/sessions/{session_id}/identity");
    let identity = client.call("GET", &path, Some(&agent.key), None).await?;
    let resolution = backstage.resolution(&agent.id, session_id).await?;
    Ok(Told { url, visits: board.visits(session_id), resolution, identity, visitor: Some(visitor) })
}
