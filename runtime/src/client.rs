//! Who is at the other end of a request, as far as an address tells.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::HeaderMap;

/// A client by its address. A customer of a provider has a whole /64 of IPv6 addresses, so these are
/// one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl Client {
    pub(crate) fn new(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                Self(Ipv6Addr::from(network).into())
            }
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

/// Where a request's connection comes from, as a typed extension of the request that a server sets:
/// the client, or a proxy.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub SocketAddr);

/// The client of a request that came from `peer`. A peer in a private network that says for whom it
/// forwards is one of `proxies` that stand between the client and this server; each writes down, as
/// the last of `X-Forwarded-For`, who asked it, and what stands before that anybody may have written.
pub(crate) fn of_request(peer: IpAddr, headers: &HeaderMap, proxies: usize) -> Client {
    let forwarded = headers.get_all("x-forwarded-for").iter();
    let forwarded = forwarded.filter_map(|value| value.to_str().ok());
    let hops: Vec<_> = forwarded.flat_map(|value| value.split(',')).collect();
    let named = is_private(peer)
        .then(|| hops.len().checked_sub(proxies))
        .flatten()
        .and_then(|place| hops.get(place))
        .and_then(|hop| address_of(hop.trim()));
    Client::new(named.unwrap_or(peer))
}

/// An address with or without a port, as load balancers write it.
fn address_of(hop: &str) -> Option<IpAddr> {
    let with_port = hop.parse::<SocketAddr>().map(|address| address.ip());
    let alone = || hop.trim_matches(['[', ']']).parse();
    with_port.or_else(|_| alone()).ok()
}

fn is_private(address: IpAddr) -> bool {
    // 100.64.0.0/10 is what providers and clusters share among themselves (RFC 6598).
    let shared = |address: Ipv4Addr| address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local() || shared(v4),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], proxies: usize) -> Client {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a value"));
        }
        of_request(peer.parse().expect("an address"), &headers, proxies)
    }

    fn known(address: &str) -> Client {
        Client::new(address.parse().expect("an address"))
    }

    #[test]
    fn the_client_is_whom_the_outermost_of_our_proxies_has_seen() {
        let own = known("198.51.100.7");
        assert_eq!(client("198.51.100.7", &[], 1), own);
        assert_eq!(client("198.51.100.7", &["203.0.113.9"], 1), own, "no proxy");
        assert_eq!(client("10.0.0.1", &["198.51.100.7"], 1), own);
        assert_eq!(client("10.0.0.1", &["198.51.100.7:4321"], 1), own);
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 198.51.100.7"], 1), own);
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "198.51.100.7"], 1), own);
        assert_eq!(client("10.0.0.1", &["198.51.100.7, 10.0.0.2"], 2), own);
        let peer = known("10.0.0.1");
        for (forwarded, proxies) in [("", 1), ("unknown", 1), ("1.1.1.1", 2), ("1.1.1.1", 0)] {
            assert_eq!(client("10.0.0.1", &[forwarded], proxies), peer);
        }
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one_client() {
        assert_eq!(known("2001:db8:1:2::1"), known("2001:db8:1:2:ffff::9"));
        assert_ne!(known("2001:db8:1:2::1"), known("2001:db8:1:3::1"));
        assert_eq!(known("::ffff:192.0.2.1"), known("192.0.2.1"));
    }
}
