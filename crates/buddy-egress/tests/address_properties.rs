//! Every spelling of every address, through the front door: a URL is taken exactly when the contract's table lets
//! its address be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use buddy_core::reason::Reason;
use buddy_egress::address::{Class, classify};
use buddy_egress::{Egress, EgressSettings};
use ipnet::IpNet;
use proptest::prelude::*;
use proptest::sample::select;

use Class::{Never, Operator, Public};

/// The contract's table once more, in no order: the narrowest block counts.
const TABLE: &[(&str, Class)] = &[
    ("0.0.0.0/0", Public),
    ("0.0.0.0/8", Never),
    ("10.0.0.0/8", Operator),
    ("172.16.0.0/12", Operator),
    ("192.168.0.0/16", Operator),
    ("100.64.0.0/10", Operator),
    ("100.100.100.200/32", Never),
    ("127.0.0.0/8", Operator),
    ("168.63.129.16/32", Never),
    ("169.254.0.0/16", Never),
    ("192.0.0.0/24", Never),
    ("192.0.2.0/24", Never),
    ("198.51.100.0/24", Never),
    ("203.0.113.0/24", Never),
    ("192.31.196.0/24", Never),
    ("192.52.193.0/24", Never),
    ("192.175.48.0/24", Never),
    ("192.88.99.0/24", Never),
    ("198.18.0.0/15", Operator),
    ("224.0.0.0/4", Never),
    ("240.0.0.0/4", Never),
    ("::/0", Never),
    ("2000::/3", Public),
    ("::1/128", Operator),
    ("fc00::/7", Operator),
    ("fd00:ec2::/32", Never),
    ("fd20:ce::/32", Never),
    ("fd00:42::/32", Never),
    ("2001::/23", Never),
    ("2001:db8::/32", Never),
    ("3fff::/20", Never),
    ("2002::/16", Never),
    ("2620:4f:8000::/48", Never),
];

static BLOCKS: LazyLock<Vec<(IpNet, Class)>> = LazyLock::new(|| {
    TABLE.iter().map(|(block, class)| (block.parse().expect("the table has networks"), *class)).collect()
});
static CLOSED: LazyLock<Egress> = LazyLock::new(|| egress(&[]));
static OPENED: LazyLock<Egress> = LazyLock::new(|| egress(&["0.0.0.0/0", "::/0"]));

fn egress(allow: &[&str]) -> Egress {
    let allow = allow.iter().map(|network| network.parse().expect("a network")).collect();
    let name_servers = Some(vec![([127, 0, 0, 1], 53).into()]);
    Egress::new(EgressSettings { allow, name_servers, ..EgressSettings::default() }).expect("good settings")
}

fn by_the_table(address: IpAddr) -> Class {
    let isatap = |v6: Ipv6Addr| matches!(v6.segments(), [.., 0 | 0x0200, 0x5efe, _, _]);
    if matches!(address, IpAddr::V6(v6) if isatap(v6)) {
        return Never;
    }
    let around = BLOCKS.iter().filter(|(block, _)| block.contains(&address));
    around.max_by_key(|(block, _)| block.prefix_len()).expect("the table has all addresses").1
}

/// The URL is taken where the address may be reached, in the one way to write it; else it is refused as blocked.
fn assert_taken_by_class(host: &str, address: IpAddr, class: Class) -> Result<(), TestCaseError> {
    prop_assert_eq!(classify(address), class, "{}", address);
    let canonical = match address {
        IpAddr::V4(v4) => format!("https://{v4}/cb"),
        IpAddr::V6(v6) => format!("https://[{v6}]/cb"),
    };
    for (egress, reached) in [(&CLOSED, class == Public), (&OPENED, class != Never)] {
        let taken = egress.target(&format!("https://{host}/cb")).map(|target| target.as_str().to_owned());
        match taken {
            Ok(url) => {
                prop_assert!(reached, "{} is {:?} and was taken as {}", host, class, url);
                prop_assert_eq!(url, canonical.as_str(), "{}", host);
            }
            Err(reason) => {
                prop_assert!(!reached, "{} is {:?} and was refused", host, class);
                prop_assert_eq!(reason, Reason::AddressBlocked, "{}", host);
            }
        }
    }
    Ok(())
}

/// Bits in any block of one family and around its edges, and any bits at all. Of IPv4 the low 32.
fn bits(width: u32) -> impl Strategy<Value = u128> {
    let blocks: Vec<(u128, u8)> = BLOCKS.iter().filter_map(|(block, _)| first_bits(block, width)).collect();
    let low = u128::MAX >> (128 - width);
    let within = (select(blocks.clone()), any::<u128>()).prop_map(move |((first, length), random)| {
        let hosts = low.checked_shr(u32::from(length)).unwrap_or(0);
        first | random & hosts
    });
    let at_an_edge =
        (select(blocks), any::<bool>(), 0..5_u128).prop_map(move |((first, length), end, step)| {
            let hosts = low.checked_shr(u32::from(length)).unwrap_or(0);
            let edge = if end { first | hosts } else { first };
            edge.wrapping_add(step).wrapping_sub(2) & low
        });
    prop_oneof![any::<u128>().prop_map(move |bits| bits & low), within, at_an_edge]
}

fn first_bits(block: &IpNet, width: u32) -> Option<(u128, u8)> {
    match (block.network(), width) {
        (IpAddr::V4(first), 32) => Some((u32::from(first).into(), block.prefix_len())),
        (IpAddr::V6(first), 128) => Some((first.into(), block.prefix_len())),
        _ => None,
    }
}

fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
    bits(32).prop_map(|bits| Ipv4Addr::from(u32::try_from(bits).expect("32 bits")))
}

/// One to four parts, each decimal, octal or hexadecimal, with and without further zeros and the last dot.
fn spelled_v4() -> impl Strategy<Value = (Ipv4Addr, String)> {
    let number = select(vec!["decimal", "octal", "octal, padded", "hex", "HEX", "hex, padded"]);
    (any_v4(), 1..=4_usize, prop::collection::vec(number, 4), any::<bool>()).prop_map(
        |(address, parts, numbers, dot)| {
            let octets = address.octets();
            let (leading, rest) = octets.split_at(parts - 1);
            let last = rest.iter().fold(0_u32, |bits, octet| bits << 8 | u32::from(*octet));
            let values = leading.iter().map(|octet| u32::from(*octet)).chain([last]);
            let spelled: Vec<String> =
                values.zip(numbers).map(|(value, number)| spell(value, number)).collect();
            (address, spelled.join(".") + if dot { "." } else { "" })
        },
    )
}

fn spell(value: u32, number: &str) -> String {
    match number {
        "octal" => format!("0{value:o}"),
        "octal, padded" => format!("000{value:o}"),
        "hex" => format!("0x{value:x}"),
        "HEX" => format!("0X{value:X}"),
        "hex, padded" => format!("0x0000{value:x}"),
        _ => value.to_string(),
    }
}

/// Short, all in full, in capitals, and with the last 32 bits as IPv4 is written.
fn spellings_of_v6(address: Ipv6Addr) -> [String; 4] {
    let groups = address.segments().map(|segment| format!("{segment:04x}"));
    let full = groups.join(":");
    let [.., a, b, c, d] = address.octets();
    let dotted = format!("{}:{a}.{b}.{c}.{d}", groups[..6].join(":"));
    [format!("[{address}]"), format!("[{}]", full.to_uppercase()), format!("[{dotted}]"), format!("[{full}]")]
}

/// Every form of an IPv6 address that leads to an IPv4 one, somewhere or for some translator.
fn embeddings(address: Ipv4Addr, random: u128) -> [Ipv6Addr; 14] {
    let v4 = u128::from(u32::from(address));
    let within = |network: [u16; 8], rest: u128| u128::from(Ipv6Addr::from(network)) | rest;
    let (nat64, nat64_local) = ([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], [0x64, 0xff9b, 1, 0, 0, 0, 0, 0]);
    let (sixto4, teredo) = ([0x2002, 0, 0, 0, 0, 0, 0, 0], [0x2001, 0, 0, 0, 0, 0, 0, 0]);
    let any_network = random >> 64 << 64;
    // RFC 6052, section 2.2: in a /48 the octet in the middle stays zero.
    let in_a_48 = (v4 >> 16) << 64 | (v4 & 0xffff) << 40;
    let (low_80, low_64) = (random >> 48, random >> 64);
    let teredo_client = (random >> 64) << 32 | !v4 & 0xffff_ffff;
    [
        v4,                                                  // compatible
        0xffff << 32 | v4,                                   // mapped
        0xffff << 48 | v4,                                   // translated (SIIT)
        within(nat64, v4),                                   // NAT64
        within(nat64_local, v4),                             // NAT64, a network's own /96
        within(nat64_local, in_a_48),                        // NAT64, a network's own /48
        within(sixto4, v4 << 80 | low_80),                   // 6to4
        within(teredo, v4 << 64 | low_64),                   // Teredo, the server
        within(teredo, teredo_client),                       // Teredo, the client
        any_network | 0x5efe << 32 | v4,                     // ISATAP
        any_network | 0x0200_5efe << 32 | v4,                // ISATAP, a global address
        within([0x2a00, 0, 0, 0, 0, 0x5efe, 0, 0], v4),      // ISATAP, a public network
        within([0xfd12, 0, 0, 0, 0x0200, 0x5efe, 0, 0], v4), // ISATAP, a private network
        within([0xfe80, 0, 0, 0, 0, 0x5efe, 0, 0], v4),      // ISATAP, link-local
    ]
    .map(Ipv6Addr::from)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_ipv4_address_is_what_the_table_says_however_it_is_spelled((address, host) in spelled_v4()) {
        assert_taken_by_class(&host, address.into(), by_the_table(address.into()))?;
    }

    #[test]
    fn an_ipv6_address_is_what_the_table_says_however_it_is_spelled(bits in bits(128)) {
        let address = Ipv6Addr::from(bits);
        for host in spellings_of_v6(address) {
            assert_taken_by_class(&host, address.into(), by_the_table(address.into()))?;
        }
    }

    #[test]
    fn an_ipv6_address_that_embeds_any_ipv4_address_is_never_reached(v4 in any_v4(), random: u128) {
        // The one address that is both compatible and its own: IPv6 loopback.
        prop_assume!(v4 != Ipv4Addr::new(0, 0, 0, 1));
        for address in embeddings(v4, random) {
            for host in spellings_of_v6(address) {
                assert_taken_by_class(&host, address.into(), Never)?;
            }
        }
    }
}
