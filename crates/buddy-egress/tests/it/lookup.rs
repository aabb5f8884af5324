//! Names: resolved once, checked whole, dialled as checked.

use std::time::Duration;

use buddy_core::reason::Reason;
use buddy_egress::{Egress, Exchange};
use buddy_mock::dns::{NameServer, RecordType, Says};
use buddy_mock::door::Deaf;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::support::{
    AMPLE, OK, SHORT, acceptor_for, answer_all, ask, assert_failed, assert_user, issue, name_server,
    plain_site, request, settings, tls_site, tripwire,
};

fn egress(server: &NameServer, allow: &[&str]) -> Egress {
    let mut settings = settings();
    settings.allow = allow.iter().map(|network| network.parse().expect("a network")).collect();
    settings.name_servers = Some(vec![server.address()]);
    Egress::new(settings).expect("good settings")
}

async fn ask_name(egress: &Egress, url: &str) -> Exchange {
    ask(egress, &egress.pool(crate::support::IDLE_MAX), url, AMPLE).await
}

#[tokio::test]
async fn a_name_is_asked_for_once_in_each_family_and_absolutely() {
    let server = name_server(|_, _, _| Says::Addresses(vec!["127.0.0.1"])).await;
    let tls = acceptor_for(issue("shop.example.com", |_| {}));
    let site = tls_site(tls, |_, line| answer_all(line, OK)).await;
    let egress = egress(&server, &["127.0.0.0/8"]);
    let url = format!("https://Shop.Example.com.:{}/", site.address.port());
    let exchange = ask_name(&egress, &url).await;
    assert_user(&exchange);
    assert!(exchange.phases.dns.is_some());
    assert_eq!(server.asked("shop.example.com."), (1, 1));
    assert_eq!(server.all_asked(), ["shop.example.com."], "no search domain was tried");
}

#[tokio::test]
async fn a_name_without_a_dot_is_asked_for_as_it_is() {
    let server = name_server(|_, _, _| Says::Addresses(vec!["127.0.0.1"])).await;
    let site = plain_site(|_, line| answer_all(line, OK)).await;
    let egress = egress(&server, &["127.0.0.0/8"]);
    assert_user(&ask_name(&egress, &format!("http://shop-svc:{}/", site.address.port())).await);
    assert_eq!(server.all_asked(), ["shop-svc."]);
}

#[tokio::test]
async fn an_answer_that_changes_leads_nowhere_else() {
    // First what is allowed, and ever after what is not.
    let server =
        name_server(|_, _, times| Says::Addresses(vec![if times == 0 { "127.0.0.1" } else { "127.0.0.2" }]))
            .await;
    let site = plain_site(|_, line| answer_all(line, OK)).await;
    let trip = tripwire("127.0.0.2").await;
    for port in [site.address.port(), trip.address.port()] {
        let egress = egress(&server, &["127.0.0.1/32"]);
        let pool = egress.pool(crate::support::IDLE_MAX);
        let target = egress.target(&format!("http://a{port}.example.com:{port}/")).expect("a good URL");
        for _ in 0..3 {
            let mut request = request();
            request.fresh_connection = true;
            let exchange = egress.exchange(&pool, &target, request, Instant::now() + AMPLE).await;
            if port == site.address.port() {
                assert_user(&exchange);
            } else {
                assert_failed(&exchange, Reason::ConnectFailed, "nobody listens at the checked address");
            }
        }
        assert_eq!(server.asked(&format!("a{port}.example.com.")), (1, 1), "a TTL of 0 counts as 5 s");
    }
    assert_eq!(trip.accepted(), 0);
}

#[tokio::test]
async fn one_refused_address_refuses_the_name() {
    let server = name_server(|name, family, _| {
        Says::Addresses(match (name, family) {
            ("mixed.example.com.", RecordType::A) => vec!["127.0.0.1", "127.0.0.2"],
            ("last.example.com.", RecordType::A) => vec!["127.0.0.1", "127.0.0.1", "10.0.0.1"],
            ("six.example.com.", RecordType::A) => vec!["127.0.0.1"],
            ("six.example.com.", _) => vec!["fd00::1"],
            ("mapped.example.com.", RecordType::AAAA) => vec!["::ffff:127.0.0.1"],
            ("metadata.example.com.", RecordType::A) => vec!["169.254.169.254"],
            ("zero.example.com.", RecordType::A) => vec!["0.0.0.0"],
            _ => vec![],
        })
    })
    .await;
    let trip = plain_site(|_, line| answer_all(line, OK)).await;
    let egress = egress(&server, &["127.0.0.1/32", "169.254.0.0/16", "0.0.0.0/32"]);
    for name in ["mixed", "last", "six", "mapped", "metadata", "zero"] {
        let exchange =
            ask_name(&egress, &format!("http://{name}.example.com:{}/", trip.address.port())).await;
        assert_failed(&exchange, Reason::AddressBlocked, name);
        assert!(exchange.phases.dns.is_some());
    }
    assert_eq!(trip.accepted(), 0);
}

#[tokio::test]
async fn plain_http_to_a_public_address_is_not_dialled() {
    let server = name_server(|_, _, _| Says::Addresses(vec!["8.8.8.8"])).await;
    let egress = egress(&server, &["127.0.0.0/8"]);
    assert_failed(&ask_name(&egress, "http://shop.example.com/").await, Reason::NotHttps, "a public address");
}

#[tokio::test]
async fn more_than_sixteen_addresses_are_no_answer() {
    const MANY: [&str; 17] = [
        "127.0.0.1",
        "127.0.0.2",
        "127.0.0.3",
        "127.0.0.4",
        "127.0.0.5",
        "127.0.0.6",
        "127.0.0.7",
        "127.0.0.8",
        "127.0.0.9",
        "127.0.0.10",
        "127.0.0.11",
        "127.0.0.12",
        "127.0.0.13",
        "127.0.0.14",
        "127.0.0.15",
        "127.0.0.16",
        "127.0.0.17",
    ];
    let server = name_server(|name, _, _| {
        Says::Addresses(if name.starts_with("sixteen") { MANY[..16].to_vec() } else { MANY.to_vec() })
    })
    .await;
    let site = plain_site(|_, line| answer_all(line, OK)).await;
    let egress = egress(&server, &["127.0.0.0/8"]);
    let port = site.address.port();
    assert_user(&ask_name(&egress, &format!("http://sixteen.example.com:{port}/")).await);
    let exchange = ask_name(&egress, &format!("http://seventeen.example.com:{port}/")).await;
    assert_failed(&exchange, Reason::AddressBlocked, "17 addresses");
    assert_eq!(site.accepted(), 1);
}

#[tokio::test]
async fn a_second_address_is_dialled_when_the_first_is_refused() {
    let server = name_server(|_, _, _| Says::Addresses(vec!["127.0.0.3", "127.0.0.1"])).await;
    let site = plain_site(|_, line| answer_all(line, OK)).await;
    let egress = egress(&server, &["127.0.0.0/8"]);
    assert_user(&ask_name(&egress, &format!("http://shop.example.com:{}/", site.address.port())).await);
}

#[tokio::test]
async fn a_name_without_addresses_and_a_failing_server_are_told_as_such() {
    let server = name_server(|name, family, _| match (name, family) {
        ("none.example.com.", _) => Says::NoSuchName,
        ("empty.example.com.", _) => Says::Addresses(vec![]),
        ("half.example.com.", RecordType::A) => Says::Addresses(vec!["127.0.0.1"]),
        _ => Says::ServerFailure,
    })
    .await;
    let site = plain_site(|_, line| answer_all(line, OK)).await;
    let egress = egress(&server, &["127.0.0.0/8"]);
    for name in ["none", "empty", "broken"] {
        let exchange = ask_name(&egress, &format!("https://{name}.example.com/")).await;
        assert_failed(&exchange, Reason::DnsFailed, name);
        assert!(exchange.phases.dns.is_some() && exchange.phases.connect.is_none());
    }
    // One family that fails does not hide the other's whole answer.
    assert_user(&ask_name(&egress, &format!("http://half.example.com:{}/", site.address.port())).await);
}

#[tokio::test]
async fn an_answer_that_no_datagram_holds_is_asked_for_over_tcp() {
    let server = name_server(|_, family, _| match family {
        RecordType::A => Says::Addresses(vec!["127.0.0.1"; 60]),
        _ => Says::NoSuchName,
    })
    .await;
    let site = plain_site(|_, line| answer_all(line, OK)).await;
    let egress = egress(&server, &["127.0.0.0/8"]);
    assert_user(&ask_name(&egress, &format!("http://long.example.com:{}/", site.address.port())).await);
    assert_eq!(server.asked("long.example.com."), (2, 1), "once by UDP, and again by TCP");
}

#[tokio::test]
async fn a_silent_name_server_is_a_timeout_of_the_look_up() {
    let server = name_server(|_, _, _| Says::Nothing).await;
    let egress = egress(&server, &["127.0.0.0/8"]);
    let begun = Instant::now();
    let exchange =
        ask(&egress, &egress.pool(crate::support::IDLE_MAX), "https://shop.example.com/", SHORT).await;
    assert_failed(&exchange, Reason::TimeoutDns, "silence");
    assert!(begun.elapsed() >= SHORT && exchange.phases.dns.is_some());
}

#[tokio::test]
async fn a_silent_zone_does_not_hold_up_another() {
    let (asked, mut questions) = mpsc::unbounded_channel();
    let server = name_server(move |name, _, _| {
        if !name.starts_with("slow") {
            return Says::Addresses(vec!["127.0.0.1"]);
        }
        asked.send(name.to_owned()).expect("a test that waits");
        Says::Nothing
    })
    .await;
    let site = plain_site(|_, line| answer_all(line, OK)).await;
    let egress = egress(&server, &["127.0.0.0/8"]);
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..200 {
        let egress = egress.clone();
        waiting.spawn(async move { ask_name(&egress, &format!("https://slow{number}.example.com/")).await });
    }
    while questions.recv().await.expect("a question") != "slow199.example.com." {}
    let url = format!("http://shop.example.com:{}/", site.address.port());
    assert_user(&ask_name(&egress, &url).await);
    assert!(waiting.try_join_next().is_none(), "they still wait");
}

#[tokio::test]
async fn an_address_that_does_not_answer_is_joined_by_the_next() {
    let server = name_server(|_, _, _| Says::Addresses(vec!["127.0.0.3", "127.0.0.1"])).await;
    let site = plain_site(|_, line| answer_all(line, OK)).await;
    let port = site.address.port();
    let _deaf = Deaf::listen(([127, 0, 0, 3], port).into()).expect("a free port");
    let egress = egress(&server, &["127.0.0.0/8"]);
    let exchange = ask_name(&egress, &format!("http://shop.example.com:{port}/")).await;
    assert_user(&exchange);
    let connect = Duration::from_micros(exchange.phases.connect.expect("a connect"));
    assert!(connect >= Duration::from_millis(250) && connect < AMPLE / 4, "{connect:?}");
}

#[tokio::test]
async fn an_address_that_never_answers_is_a_timeout_of_the_connect() {
    let deaf = Deaf::listen(([127, 0, 0, 1], 0).into()).expect("a free port");
    let egress = Egress::new(settings()).expect("good settings");
    let exchange = ask(
        &egress,
        &egress.pool(crate::support::IDLE_MAX),
        &format!("https://{}/", deaf.address().expect("its address")),
        SHORT,
    )
    .await;
    assert_failed(&exchange, Reason::TimeoutConnect, "no answer to the SYN");
    assert!(exchange.phases.connect.is_some() && exchange.phases.tls.is_none());
}

#[tokio::test]
async fn a_public_name_that_resolves_to_a_private_network_is_blocked_by_default() {
    let server = name_server(|_, _, _| Says::Addresses(vec!["127.0.0.1"])).await;
    let trip = tripwire("127.0.0.1").await;
    let egress = egress(&server, &[]);
    let exchange = ask_name(&egress, &format!("https://shop.example.com:{}/", trip.address.port())).await;
    assert_failed(&exchange, Reason::AddressBlocked, "a private network");
    assert_eq!(trip.accepted(), 0);
}
