//! Which addresses a way may lead to: the guard against requests that are led astray (SSRF), as pure functions over addresses.
//!
//! A name says nothing of where it leads: whoever answers for it may answer with the metadata service of the cloud, with this machine, with a
//! neighbour on the private network. So the address itself is looked at, after the name is resolved and before anything is sent, at every
//! connection.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::{Error, Kind};

/// Where connections of a kind may lead.
///
/// ```
/// use syscall_sdk::policy::Reach;
/// assert!(Reach::PUBLIC.check("93.184.216.34".parse().unwrap()).is_ok());
/// let barred = Reach::PUBLIC.check("169.254.169.254".parse().unwrap()).unwrap_err();
/// assert!(barred.to_string().contains("link-local"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    private: bool,
    loopback: bool,
}

/// An address to which a way may not lead, and by which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Barred {
    /// The address.
    pub address: IpAddr,
    /// What it is.
    pub rule: &'static str,
    wanted: &'static str,
}

impl Reach {
    /// The private network alone: RFC 1918, RFC 6598 (the shared space, which platforms use inside) and `fd00::/8` (RFC 4193), without the
    /// addresses in them that are known to serve a cloud's metadata.
    pub const PRIVATE: Reach = Reach {
        private: true,
        loopback: false,
    };
    /// The public network alone: what IANA lists as globally reachable, without forms that carry another address inside.
    pub const PUBLIC: Reach = Reach {
        private: false,
        loopback: false,
    };

    /// This machine as well: for development and tests, where the fleet listens on loopback.
    #[must_use]
    pub const fn or_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Whether a connection may be opened to an address.
    ///
    /// # Errors
    /// The address and the rule that bars it.
    pub fn check(self, address: IpAddr) -> Result<(), Barred> {
        let what = What::of(address);
        let fits = match what {
            What::Loopback => self.loopback,
            What::Private => self.private,
            What::Public => !self.private,
            What::Other(_) => false,
        };
        if fits {
            return Ok(());
        }
        Err(Barred {
            address,
            rule: what.rule(),
            wanted: if self.private {
                "a way inside leads to private addresses alone"
            } else {
                "a public way leads to public addresses alone"
            },
        })
    }
}

impl Reach {
    /// Whether a URL may be asked, as far as it can be told before its name is resolved: one whose host is an address is checked, since no
    /// resolver is asked for it; of a name only what it resolves to can be, by [`Reach::check`].
    ///
    /// It takes a parsed URL, since `http://2130706433/` and `http://0x7f.1/` are addresses too, and the parser knows.
    ///
    /// # Errors
    /// As [`Reach::check`].
    pub fn check_url(self, url: &reqwest::Url) -> Result<(), Barred> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host.parse().map_or(Ok(()), |address| self.check(address))
    }
}

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, and {}", self.address, self.rule, self.wanted)
    }
}

impl std::error::Error for Barred {}

impl From<Barred> for Error {
    fn from(barred: Barred) -> Self {
        Error::new(Kind::Forbidden, barred.to_string()).with_code("ADDRESS_BARRED")
    }
}

/// Whom an address stands for when callers are counted: in IPv6 a household has a /64, so one who changes the lower half is still the
/// same; within the private network, where services share one, and in IPv4 it is the address itself.
pub fn party(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) if What::of_v6(six) == What::Public => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

/// What IANA's registries of special addresses say of one, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Loopback,
    Private,
    Public,
    Other(&'static str),
}

const METADATA: What = What::Other("where a cloud keeps its machines' metadata");
const EMBEDS: What = What::Other("an IPv6 form of an IPv4 address");
const DOCUMENTATION: What = What::Other("for documentation");

impl What {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(four) => Self::of_v4(four),
            IpAddr::V6(six) => Self::of_v6(six),
        }
    }

    const fn rule(self) -> &'static str {
        match self {
            What::Loopback => "this machine's own (loopback)",
            What::Private => "private",
            What::Public => "public",
            What::Other(rule) => rule,
        }
    }

    /// <https://www.iana.org/assignments/iana-ipv4-special-registry>
    fn of_v4(four: Ipv4Addr) -> Self {
        match four.octets() {
            // Alibaba's and Azure's, in space that is otherwise anybody's.
            [100, 100, 100, 200] | [168, 63, 129, 16] => METADATA,
            [0, ..] => What::Other("no address of anybody"),
            [127, ..] => What::Loopback,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => What::Private,
            [169, 254, ..] => What::Other("link-local, where clouds keep their machines' metadata"),
            [192, 0, 0, _] | [192, 88, 99, _] => What::Other("kept for protocols"),
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => DOCUMENTATION,
            [198, 18..=19, ..] => What::Other("for benchmarks of networks"),
            [224..=239, ..] => What::Other("multicast"),
            [240..=255, ..] => What::Other("reserved"),
            _ => What::Public,
        }
    }

    /// <https://www.iana.org/assignments/iana-ipv6-special-registry>
    fn of_v6(six: Ipv6Addr) -> Self {
        match six.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0] => What::Other("no address of anybody"),
            [0, 0, 0, 0, 0, 0, 0, 1] => What::Loopback,
            // Mapped, compatible, translated (RFC 6052, RFC 8215), Teredo, 6to4: each leads to the IPv4 address within.
            [0, 0, 0, 0, 0, 0xffff, ..]
            | [0, 0, 0, 0, 0, 0, ..]
            | [0, 0, 0, 0, 0xffff, 0, ..]
            | [0x64, 0xff9b, ..]
            | [0x2001, 0, ..]
            | [0x2002, ..] => EMBEDS,
            // Amazon's and Google's.
            [0xfd00, 0xec2, ..] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => METADATA,
            [0xfd00..=0xfdff, ..] => What::Private,
            [0xfe80..=0xfebf, ..] => What::Other("link-local"),
            [0xff00..=0xffff, ..] => What::Other("multicast"),
            [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => DOCUMENTATION,
            [0x2001, 0..=0x1ff, ..] => What::Other("kept for protocols"),
            [0x2000..=0x3fff, ..] => What::Public,
            _ => What::Other("reserved"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fits(reach: Reach, address: &str) -> bool {
        reach.check(address.parse().unwrap()).is_ok()
    }

    #[test]
    fn a_way_inside_leads_to_private_addresses_alone() {
        for address in [
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.2",
            "fd12::10",
            "fd00::1",
        ] {
            assert!(fits(Reach::PRIVATE, address), "{address}");
            assert!(!fits(Reach::PUBLIC, address), "{address}");
        }
        for address in [
            "8.8.8.8",
            "172.32.0.1",
            "2606:4700::1111",
            "fc00::1",
            "::ffff:10.0.0.1",
            "100.128.0.1",
        ] {
            assert!(!fits(Reach::PRIVATE, address), "{address}");
        }
    }

    #[test]
    fn a_public_way_leads_to_no_address_of_this_machine_this_network_or_this_cloud() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "0.0.0.0",
            "::",
            "169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "10.0.0.1",
            "fd12::10",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "2001:db8::1",
            "198.18.0.1",
            "fec0::1",
        ] {
            assert!(!fits(Reach::PUBLIC, address), "{address}");
        }
        for address in [
            "8.8.8.8",
            "104.16.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "172.15.0.1",
            "198.20.0.1",
        ] {
            assert!(fits(Reach::PUBLIC, address), "{address}");
        }
    }

    #[test]
    fn loopback_is_reached_where_that_is_said_and_nowhere_else() {
        for reach in [Reach::PRIVATE, Reach::PUBLIC] {
            assert!(!fits(reach, "127.0.0.1") && !fits(reach, "::1"));
            assert!(fits(reach.or_loopback(), "127.0.0.1") && fits(reach.or_loopback(), "::1"));
            assert!(!fits(reach.or_loopback(), "::ffff:127.0.0.1"));
        }
    }

    #[test]
    fn an_address_in_a_url_is_looked_at_where_no_resolver_is_asked() {
        let fits = |url: &str| Reach::PUBLIC.check_url(&url.parse().unwrap()).is_ok();
        for url in [
            "http://127.0.0.1/",
            "https://127.0.0.1:8000/a?b",
            "http://[::1]:8000",
            "http://[::ffff:7f00:1]/",
            "http://user@169.254.169.254/latest",
            "http://10.0.0.1\\@example.com/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://%31%32%37.0.0.1/",
            "http://127.0.0.1./",
        ] {
            assert!(!fits(url), "{url}");
        }
        for url in [
            "https://example.com/127.0.0.1",
            "http://8.8.8.8",
            "https://example.com:443?10.0.0.1",
        ] {
            assert!(fits(url), "{url}");
        }
    }

    #[test]
    fn what_is_barred_is_named_with_its_rule() {
        let error = Error::from(Reach::PUBLIC.check("169.254.169.254".parse().unwrap()).unwrap_err());
        assert_eq!(error.code(), "ADDRESS_BARRED");
        assert_eq!(
            error.message(),
            "169.254.169.254 is link-local, where clouds keep their machines' metadata, and a public way leads to public addresses alone"
        );
    }

    #[test]
    fn one_who_changes_the_lower_half_of_an_address_is_still_the_same_party() {
        let of = |text: &str| party(text.parse().unwrap());
        assert_eq!(of("2606:4700:1:2::1"), of("2606:4700:1:2:ffff::9"));
        assert_ne!(of("2606:4700:1:2::1"), of("2606:4700:1:3::1"));
        assert_ne!(of("fd12::1"), of("fd12::2"));
        assert_ne!(of("1.2.3.4"), of("1.2.3.5"));
        assert_eq!(of("::ffff:1.2.3.4"), of("1.2.3.4"));
    }

    proptest! {
        #[test]
        fn no_address_is_both_inside_and_outside(bits in any::<u128>(), four in any::<u32>()) {
            for address in [IpAddr::V6(Ipv6Addr::from(bits)), IpAddr::V4(Ipv4Addr::from(four))] {
                let (inside, outside) = (Reach::PRIVATE.check(address).is_ok(), Reach::PUBLIC.check(address).is_ok());
                prop_assert!(!(inside && outside), "{address}");
            }
        }
    }
}
