//! What it costs to know whether something may be called: an address, before each connection to it, and a URL.

use std::net::IpAddr;

use buddy_core::reason::Reason;
use buddy_egress::address::{Class, classify};
use buddy_egress::{Egress, EgressSettings};
use divan::{AllocProfiler, Bencher, black_box};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// Public addresses, which pass every block of the table, and some that are refused at its beginning or further on.
const ADDRESSES: [(&str, Class); 5] = [
    ("8.8.8.8", Class::Public),
    ("10.0.0.1", Class::Operator),
    ("169.254.169.254", Class::Never),
    ("2606:4700::1111", Class::Public),
    ("::ffff:127.0.0.1", Class::Never),
];

/// URLs as they are configured, and what is tried with them.
const URLS: [(&str, Result<(), Reason>); 4] = [
    ("https://shop.example/api/chat/identity", Ok(())),
    ("https://8.8.8.8:8443/identity?shop=7", Ok(())),
    ("https://[::ffff:a9fe:a9fe]/latest/meta-data", Err(Reason::AddressBlocked)),
    ("https://printer.local/", Err(Reason::AddressBlocked)),
];

fn main() {
    divan::main();
}

#[divan::bench(args = ADDRESSES)]
fn classify_address(bencher: Bencher<'_, '_>, (address, class): (&str, Class)) {
    let address: IpAddr = address.parse().expect("an address");
    assert_eq!(classify(address), class, "{address}");
    bencher.bench(|| classify(black_box(address)));
}

#[divan::bench(args = URLS)]
fn read_url(bencher: Bencher<'_, '_>, (url, expected): (&str, Result<(), Reason>)) {
    let egress = egress();
    assert_eq!(egress.target(url).map(|_| ()), expected, "{url}");
    bencher.bench(|| egress.target(black_box(url)));
}

/// As a server that faces the internet has it.
fn egress() -> Egress {
    // A URL is read without asking anybody, so no name server of this machine matters.
    let name_servers = Some(vec![([127, 0, 0, 1], 53).into()]);
    let own_hosts = vec!["buddy.example.com".to_owned()];
    let own_addresses = vec![([0, 0, 0, 0], 8700).into()];
    let settings = EgressSettings { name_servers, own_hosts, own_addresses, ..EgressSettings::default() };
    Egress::new(settings).expect("good settings")
}
