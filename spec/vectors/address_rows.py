"""Vectors of addresses: the edges of every block that a callback may not reach, and the forms that hide an IPv4 address.

`never`: no setting opens it. `operator`: refused unless the operator's egress-allow covers it. `public`: reachable.
"""

from ipaddress import ip_address, ip_network

# The IANA special-purpose address registries as of this day.
REGISTRY_DATE = "2024-10-22"

NEVER = [
    ("0.0.0.0/8", "this network"),
    ("100.100.100.200/32", "Alibaba metadata"),
    ("168.63.129.16/32", "Azure WireServer"),
    ("169.254.0.0/16", "link-local, cloud metadata"),
    ("192.0.0.0/24", "IETF protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("192.31.196.0/24", "AS112"),
    ("192.52.193.0/24", "AMT"),
    ("192.175.48.0/24", "AS112"),
    ("192.88.99.0/24", "6to4 relay"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved, broadcast"),
    ("fd00:ec2::/32", "AWS metadata"),
    ("fd20:ce::/32", "Google metadata"),
    ("fd00:42::/32", "metadata"),
    ("2001::/23", "IETF protocol assignments, Teredo"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "AS112"),
    ("64:ff9b::/32", "NAT64"),
    ("100::/64", "discard"),
    ("5f00::/16", "segment routing"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "SIIT"),
]
OPERATOR = [
    ("10.0.0.0/8", "private"),
    ("172.16.0.0/12", "private"),
    ("192.168.0.0/16", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("198.18.0.0/15", "benchmarking"),
    ("::1/128", "loopback"),
    ("fc00::/7", "unique local"),
]
GLOBAL_UNICAST = ip_network("2000::/3")

# Stated one by one: forms that hide another address, well-known targets, and addresses that must stay reachable.
STATED = [
    ("the unspecified IPv4 address", "0.0.0.0", "never"),
    ("localhost", "127.0.0.1", "operator"),
    ("a loopback address that is not .1", "127.8.9.10", "operator"),
    ("cloud metadata", "169.254.169.254", "never"),
    ("container credentials", "169.254.170.2", "never"),
    ("Oracle metadata", "192.0.0.192", "never"),
    ("NAT64 discovery", "192.0.0.170", "never"),
    ("broadcast", "255.255.255.255", "never"),
    ("a home router", "192.168.1.1", "operator"),
    ("a container bridge", "172.17.0.1", "operator"),
    ("a public resolver", "1.1.1.1", "public"),
    ("another public resolver", "8.8.8.8", "public"),
    ("public, beside private 172.16", "172.15.0.1", "public"),
    ("public, beside private 192.168", "192.169.0.1", "public"),
    ("public, beside benchmarking", "198.20.0.1", "public"),
    ("the unspecified IPv6 address", "::", "never"),
    ("IPv6 localhost", "::1", "operator"),
    ("the address after IPv6 localhost", "::2", "never"),
    ("mapped loopback", "::ffff:127.0.0.1", "never"),
    ("mapped loopback in hexadecimal", "::ffff:7f00:1", "never"),
    ("mapped private", "::ffff:10.0.0.1", "never"),
    ("mapped metadata", "::ffff:169.254.169.254", "never"),
    ("mapped public", "::ffff:8.8.8.8", "never"),
    ("compatible loopback", "::127.0.0.1", "never"),
    ("compatible loopback in hexadecimal", "::7f00:1", "never"),
    ("compatible public", "::8.8.8.8", "never"),
    ("SIIT loopback", "::ffff:0:127.0.0.1", "never"),
    ("SIIT public", "::ffff:0:8.8.8.8", "never"),
    ("NAT64 loopback", "64:ff9b::7f00:1", "never"),
    ("NAT64 private", "64:ff9b::10.0.0.1", "never"),
    ("NAT64 metadata", "64:ff9b::a9fe:a9fe", "never"),
    ("NAT64 public", "64:ff9b::8.8.8.8", "never"),
    ("local NAT64 loopback", "64:ff9b:1::7f00:1", "never"),
    ("6to4 loopback", "2002:7f00:1::", "never"),
    ("6to4 private", "2002:a00:1::1", "never"),
    ("6to4 public", "2002:808:808::1", "never"),
    ("Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "never"),
    ("Teredo that hides loopback", "2001::80ff:fffe", "never"),
    ("ORCHID", "2001:10::1", "never"),
    ("ORCHID version 2", "2001:20::1", "never"),
    ("IPv6 benchmarking", "2001:2::1", "never"),
    ("ISATAP loopback in public space", "2606:4700::5efe:7f00:1", "never"),
    ("ISATAP private in public space", "2606:4700:1:2:0:5efe:a00:1", "never"),
    ("ISATAP with the global bit", "2606:4700::200:5efe:808:808", "never"),
    ("ISATAP in a unique local network", "fd12:3456::5efe:a00:1", "never"),
    ("ISATAP link-local", "fe80::5efe:a00:1", "never"),
    ("almost ISATAP: another first word", "2606:4700::100:5efe:808:808", "public"),
    ("almost ISATAP: one below 5efe", "2606:4700::5efd:808:808", "public"),
    ("almost ISATAP: one above 5efe", "2606:4700::5eff:808:808", "public"),
    ("almost ISATAP: 5efe one word later", "2606:4700::5efe:1", "public"),
    ("AWS metadata over IPv6", "fd00:ec2::254", "never"),
    ("Google metadata over IPv6", "fd20:ce::254", "never"),
    ("metadata at fd00:42", "fd00:42::42", "never"),
    ("a unique local address", "fd12:3456:789a::1", "operator"),
    ("all nodes, multicast", "ff02::1", "never"),
    ("link-local", "fe80::1", "never"),
    ("site-local, deprecated", "fec0::1", "never"),
    ("a public IPv6 resolver", "2606:4700:4700::1111", "public"),
    ("another public IPv6 resolver", "2001:4860:4860::8888", "public"),
    ("public, registered right after 2001::/23", "2001:200::1", "public"),
    ("the first of global unicast", "2000::", "public"),
    ("the last of global unicast", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "public"),
    ("before global unicast", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "never"),
    ("after global unicast", "4000::", "never"),
    ("the last IPv6 address", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "never"),
    ("unassigned, far outside global unicast", "8000::1", "never"),
]


def classify(address):
    """By the table alone; the ISATAP forms are stated above, none is at an edge."""
    if any(address in ip_network(block) for block, _ in NEVER):
        return "never"
    if any(address in ip_network(block) for block, _ in OPERATOR):
        return "operator"
    if address.version == 6 and address not in GLOBAL_UNICAST:
        return "never"
    return "public"


def edges():
    for block, why in NEVER + OPERATOR:
        network = ip_network(block)
        first, last = int(network.network_address), int(network.broadcast_address)
        kind = type(network.network_address)
        top = 2**network.max_prefixlen - 1
        for where, value in [("before", first - 1), ("first of", first), ("last of", last), ("after", last + 1)]:
            if 0 <= value <= top and not (where == "last of" and first == last):
                address = kind(value)
                yield f"{where} {block} ({why})", str(address), classify(address)


def addresses():
    rows = [*STATED, *edges()]
    for name, address, stated in STATED:
        if not name.startswith("ISATAP"):
            assert classify(ip_address(address)) == stated, f"{name}: the table says otherwise"
    return {
        "about": "never: no setting opens it. operator: refused unless egress-allow covers it. public: reachable. "
        "What an IPv6 address embeds is not looked at: such forms are never reachable.",
        "registryDate": REGISTRY_DATE,
        "vectors": [{"name": name, "address": address, "class": kind} for name, address, kind in rows],
    }
