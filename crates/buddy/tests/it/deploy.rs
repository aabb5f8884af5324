//! The files of `deploy/` are of this server: what alerts and dashboard ask for is exported, and the settings are such as
//! it takes. That they do what they are to is tried by `deploy/check`, with the programs that read them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use buddy_cluster::Cluster;
use serde_json::json;

use crate::routes::ada;
use crate::support::{Buddy, Endpoint, Setup};

/// What Prometheus itself puts on every series.
const OF_PROMETHEUS: [&str; 2] = ["instance", "job"];
/// What is finished after SIGTERM takes no longer: two attempts of the longest time, and a second.
const DRAIN: Duration = Duration::from_secs(21);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A metric with the names of some labels: `name{label="value",…}`, wherever one is in the text. Quotes may be escaped.
fn metrics(text: &str) -> Vec<(String, BTreeSet<String>)> {
    text.match_indices("buddy_")
        .map(|(at, _)| {
            let found = &text[at..];
            let end = found.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(found.len());
            let (name, after) = found.split_at(end);
            let selector = after.strip_prefix('{').and_then(|after| after.split_once('}'));
            let labels =
                selector.map_or("", |(labels, _)| labels).split(',').filter(|label| !label.is_empty());
            let label_name =
                |label: &str| label.split(['=', '!']).next().unwrap_or_default().trim().to_owned();
            (name.to_owned(), labels.map(label_name).collect())
        })
        .collect()
}

/// What is between the quotes after each `route=`.
fn routes(text: &str) -> BTreeSet<&str> {
    let plain = text.split("route=").skip(1);
    plain
        .map(|after| after.trim_start_matches(['\\', '"']).split(['\\', '"']).next().unwrap_or_default())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_alerts_and_dashboard_ask_for_is_exported() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    buddy.identity(&agent, &session).await;
    // Each backend has something of its own to tell.
    let cluster = Cluster::shared();
    let database = cluster.url(&cluster.create_database(None));
    let node = Setup::new(None).env("BUDDY_DATABASE_URL", &database).start();
    let mut exported = String::new();
    for server in [&buddy, &node] {
        server.api.call("GET", "/readyz", None, None).await.expect_status(200);
        server.scrape().await;
        exported += server.scrape().await.text();
    }
    let mut known: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (name, labels) in metrics(&exported) {
        known.entry(name).or_default().extend(labels);
    }
    for file in ["deploy/prometheus/alerts.yml", "deploy/grafana/buddy.json"] {
        let asking = text(file);
        let asked = metrics(&asking);
        assert!(asked.len() > 10, "{file} asks for something");
        for (name, labels) in asked {
            let labels_known = known.get(&name).unwrap_or_else(|| panic!("{file}: {name} is not exported"));
            for label in labels {
                let there = labels_known.contains(&label) || OF_PROMETHEUS.contains(&&*label);
                assert!(there, "{file}: {name} has no label {label:?}, only {labels_known:?}");
            }
        }
        let routes_known = routes(&exported);
        for route in routes(&asking) {
            assert!(routes_known.contains(route), "{file}: no requests are counted under {route}");
        }
    }
}

#[test]
fn a_dashboard_is_read_as_a_metric_with_its_labels() {
    let labels = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let read = metrics(r#"sum(rate(buddy_a_total{x=~\"b|c\", route!=\"/d\"}[5m])) / buddy_e"#);
    let expected =
        [("buddy_a_total".to_owned(), labels(&["x", "route"])), ("buddy_e".to_owned(), labels(&[]))];
    assert_eq!(read, expected);
    assert_eq!(
        routes(r#"{route="/a"} {route=\"/b/{c}\"} {route!~"/d|/e"}"#),
        BTreeSet::from(["/a", "/b/{c}"])
    );
}

#[test]
fn what_to_do_is_said_for_each_alert() {
    let alerts = text("deploy/prometheus/alerts.yml");
    let alerts: BTreeSet<_> =
        alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let page = text("docs/run/monitoring.md");
    let explained: BTreeSet<_> = page
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0))
        .filter(|name| name.starts_with("Buddy"))
        .collect();
    assert_eq!(alerts, explained);
}

#[tokio::test]
async fn the_example_settings_are_taken_and_the_unit_waits_for_what_they_drain() {
    let settings = root().join("deploy/systemd/buddy.toml");
    let buddy = Setup::new(None).start_with(&["--config", settings.to_str().unwrap()]);
    buddy.api.call("GET", "/readyz", None, None).await.expect_status(200);
    let seconds = |file: &str, before: &str, after: &str| {
        let text = text(file);
        let value = text.lines().find_map(|line| line.strip_prefix(before)?.strip_suffix(after));
        Duration::from_secs(value.expect("the line is there").parse().expect("a number of seconds"))
    };
    let drained = DRAIN + seconds("deploy/systemd/buddy.toml", "drain_seconds = \"", "\"");
    let waited = seconds("deploy/systemd/buddy.service", "TimeoutStopSec=", "");
    assert!(waited > drained, "killed after {waited:?}, but it may take {drained:?}");
}
