//! What a public address is: the one table, refusing what it does not know.
//!
//! Follows the IANA IPv4 and IPv6 Special-Purpose Address Registries of [`REGISTRY_DATE`], with multicast, and
//! with what clouds answer on though it looks public.
//! `is_global` of the standard library is no substitute: it passes addresses that translators turn into loopback.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// The registries that the table follows.
pub const REGISTRY_DATE: &str = "2024-10-22";

/// Who may reach an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Everybody.
    Public,
    /// Only where the operator has opened it.
    Operator,
    /// Nobody: no setting opens it.
    Never,
}

use Class::{Never, Operator};

/// The first match counts, so what lies within another block stands before it.
const IPV4: &[(Ipv4Net, Class)] = &[
    (v4([0, 0, 0, 0], 8), Never), // "this network"; 0.0.0.0 reaches localhost on Linux
    (v4([10, 0, 0, 0], 8), Operator), // RFC 1918
    (v4([100, 100, 100, 200], 32), Never), // Alibaba metadata
    (v4([100, 64, 0, 0], 10), Operator), // carrier NAT, overlays
    (v4([127, 0, 0, 0], 8), Operator), // loopback
    (v4([168, 63, 129, 16], 32), Never), // Azure WireServer
    (v4([169, 254, 0, 0], 16), Never), // link-local: cloud metadata, container credentials
    (v4([172, 16, 0, 0], 12), Operator), // RFC 1918
    (v4([192, 0, 0, 0], 24), Never), // IETF protocols; Oracle metadata; NAT64 discovery
    (v4([192, 0, 2, 0], 24), Never), // documentation
    (v4([192, 31, 196, 0], 24), Never), // AS112
    (v4([192, 52, 193, 0], 24), Never), // AMT
    (v4([192, 88, 99, 0], 24), Never), // 6to4 relay
    (v4([192, 168, 0, 0], 16), Operator), // RFC 1918
    (v4([192, 175, 48, 0], 24), Never), // AS112
    (v4([198, 18, 0, 0], 15), Operator), // benchmarking, inside some fabrics
    (v4([198, 51, 100, 0], 24), Never), // documentation
    (v4([203, 0, 113, 0], 24), Never), // documentation
    (v4([224, 0, 0, 0], 4), Never), // multicast
    (v4([240, 0, 0, 0], 4), Never), // reserved, broadcast
];

/// As for IPv4; what is in none of these and outside [`GLOBAL_UNICAST`] is refused.
const IPV6: &[(Ipv6Net, Class)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), Operator),       // loopback
    (v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0], 32), Never), // AWS metadata
    (v6([0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0], 32), Never), // Google metadata
    (v6([0xfd00, 0x0042, 0, 0, 0, 0, 0, 0], 32), Never), // Scaleway metadata
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), Operator),    // unique local
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), Never),      // IETF protocols: Teredo, ORCHID
    (v6([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32), Never), // documentation
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), Never),      // 6to4: embeds any IPv4 address
    (v6([0x2620, 0x004f, 0x8000, 0, 0, 0, 0, 0], 48), Never), // AS112
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), Never),      // documentation
];

/// All that IANA has given out. Mapped, compatible and translated IPv4, link-local, multicast lie outside.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// The class of an address.
pub fn classify(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

fn classify_v4(address: Ipv4Addr) -> Class {
    let block = IPV4.iter().find(|(block, _)| block.contains(&address));
    block.map_or(Class::Public, |(_, class)| *class)
}

fn classify_v6(address: Ipv6Addr) -> Class {
    if is_isatap(address) {
        return Never;
    }
    match IPV6.iter().find(|(block, _)| block.contains(&address)) {
        Some((_, class)) => *class,
        None if GLOBAL_UNICAST.contains(&address) => Class::Public,
        None => Never,
    }
}

/// In any /64: an interface id that embeds an IPv4 address (RFC 5214, section 6.1).
fn is_isatap(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [_, _, _, _, 0x0000 | 0x0200, 0x5efe, _, _])
}

const fn v4(octets: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::from_octets(octets), length)
}

const fn v6(segments: [u16; 8], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_segments(segments), length)
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use Class::Public;

    /// Every block once more, written as people write it: with what comes right before and right after it.
    const EDGES: &[(&str, Class, Option<Class>, Option<Class>)] = &[
        ("0.0.0.0/8", Never, None, Some(Public)),
        ("10.0.0.0/8", Operator, Some(Public), Some(Public)),
        ("100.100.100.200/32", Never, Some(Operator), Some(Operator)),
        ("100.64.0.0/10", Operator, Some(Public), Some(Public)),
        ("127.0.0.0/8", Operator, Some(Public), Some(Public)),
        ("168.63.129.16/32", Never, Some(Public), Some(Public)),
        ("169.254.0.0/16", Never, Some(Public), Some(Public)),
        ("172.16.0.0/12", Operator, Some(Public), Some(Public)),
        ("192.0.0.0/24", Never, Some(Public), Some(Public)),
        ("192.0.2.0/24", Never, Some(Public), Some(Public)),
        ("192.31.196.0/24", Never, Some(Public), Some(Public)),
        ("192.52.193.0/24", Never, Some(Public), Some(Public)),
        ("192.88.99.0/24", Never, Some(Public), Some(Public)),
        ("192.168.0.0/16", Operator, Some(Public), Some(Public)),
        ("192.175.48.0/24", Never, Some(Public), Some(Public)),
        ("198.18.0.0/15", Operator, Some(Public), Some(Public)),
        ("198.51.100.0/24", Never, Some(Public), Some(Public)),
        ("203.0.113.0/24", Never, Some(Public), Some(Public)),
        ("224.0.0.0/4", Never, Some(Public), Some(Never)),
        ("240.0.0.0/4", Never, Some(Never), None),
        ("::1/128", Operator, Some(Never), Some(Never)),
        ("fd00:ec2::/32", Never, Some(Operator), Some(Operator)),
        ("fd20:ce::/32", Never, Some(Operator), Some(Operator)),
        ("fd00:42::/32", Never, Some(Operator), Some(Operator)),
        ("fc00::/7", Operator, Some(Never), Some(Never)),
        ("2001::/23", Never, Some(Public), Some(Public)),
        ("2001:db8::/32", Never, Some(Public), Some(Public)),
        ("2002::/16", Never, Some(Public), Some(Public)),
        ("2620:4f:8000::/48", Never, Some(Public), Some(Public)),
        ("3fff::/20", Never, Some(Public), Some(Public)),
        ("2000::/3", Public, Some(Never), Some(Never)),
    ];

    #[test]
    fn every_block_ends_exactly_where_the_registries_say() {
        assert_eq!(EDGES.len(), IPV4.len() + IPV6.len() + 1, "each block of the table has its row");
        for &(block, class, before, after) in EDGES {
            let net: IpNet = block.parse().unwrap();
            assert_eq!(net.network(), net.addr(), "{block} is written with its first address");
            for (address, expected) in [
                (Some(net.network()), Some(class)),
                (Some(net.broadcast()), Some(class)),
                (step(net.network(), u128::wrapping_sub), before),
                (step(net.broadcast(), u128::wrapping_add), after),
            ] {
                assert_eq!(address.map(classify), expected, "{block}: {address:?}");
            }
        }
    }

    #[test]
    fn an_address_that_embeds_another_is_never_reachable() {
        for embedded in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "8.8.8.8"] {
            let v4: Ipv4Addr = embedded.parse().unwrap();
            let [a, b, c, d] = v4.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            for segments in [
                [0, 0, 0, 0, 0, 0, high, low],                // compatible
                [0, 0, 0, 0, 0, 0xffff, high, low],           // mapped
                [0, 0, 0, 0, 0xffff, 0, high, low],           // translated (SIIT)
                [0x64, 0xff9b, 0, 0, 0, 0, high, low],        // NAT64
                [0x64, 0xff9b, 1, 0, 0, 0, high, low],        // NAT64, local
                [0x2002, high, low, 0, 0, 0, 0, 1],           // 6to4
                [0x2001, 0, high, low, 0, 0, !high, !low],    // Teredo
                [0x2a00, 1, 2, 3, 0, 0x5efe, high, low],      // ISATAP
                [0x2a00, 1, 2, 3, 0x0200, 0x5efe, high, low], // ISATAP, global
                [0xfd12, 1, 2, 3, 0, 0x5efe, high, low],      // ISATAP in a private network
                [0xfe80, 0, 0, 0, 0, 0x5efe, high, low],      // ISATAP, link-local
            ] {
                let address = Ipv6Addr::from(segments);
                assert_eq!(classify(address.into()), Never, "{address}");
            }
        }
    }

    #[test]
    fn the_shared_vectors_hold() {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct File {
            registry_date: String,
            vectors: Vec<Vector>,
        }
        #[derive(Deserialize)]
        struct Vector {
            name: String,
            address: IpAddr,
            class: String,
        }
        let file: File = serde_json::from_str(include_str!("../../../spec/vectors/address.json")).unwrap();
        assert_eq!(file.registry_date, REGISTRY_DATE);
        assert!(file.vectors.len() > 50);
        for Vector { name, address, class } in file.vectors {
            let expected = match class.as_str() {
                "public" => Public,
                "operator" => Operator,
                "never" => Never,
                other => panic!("{name}: no class {other}"),
            };
            assert_eq!(classify(address), expected, "{name}: {address}");
        }
    }

    proptest! {
        #[test]
        fn what_the_standard_library_calls_private_is_not_public(bits: u32, wide: u128) {
            let v4 = Ipv4Addr::from(bits);
            if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified()
            {
                prop_assert_ne!(classify(v4.into()), Public);
            }
            // All of the address space, and once more with each prefix that is not public.
            for prefix in [None, Some(0xfc00_u128), Some(0xfdff), Some(0xfe80), Some(0xff02), Some(0x2002)] {
                let top = prefix.unwrap_or(wide >> 112);
                let v6 = Ipv6Addr::from(top << 112 | wide >> 16);
                let private = v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast();
                if private || v6.to_ipv4().is_some() || top >> 13 != 1 {
                    prop_assert_ne!(classify(v6.into()), Public);
                }
            }
        }
    }

    fn step(address: IpAddr, by: fn(u128, u128) -> u128) -> Option<IpAddr> {
        match address {
            IpAddr::V4(address) => {
                let next = by(u32::from(address).into(), 1);
                u32::try_from(next).ok().map(|bits| Ipv4Addr::from(bits).into())
            }
            IpAddr::V6(address) => Some(Ipv6Addr::from(by(address.into(), 1)).into()),
        }
    }
}
