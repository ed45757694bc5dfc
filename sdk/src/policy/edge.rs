use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is one of Cloudflare's edge, by its published ranges: <https://www.cloudflare.com/ips/>, last changed in 2021. An
/// address of the one family inside the other is looked at as what it is.
pub fn is_cloudflare(address: IpAddr) -> bool {
    const FOUR: [(Ipv4Addr, u32); 15] = [
        (Ipv4Addr::new(173, 245, 48, 0), 20),
        (Ipv4Addr::new(103, 21, 244, 0), 22),
        (Ipv4Addr::new(103, 22, 200, 0), 22),
        (Ipv4Addr::new(103, 31, 4, 0), 22),
        (Ipv4Addr::new(141, 101, 64, 0), 18),
        (Ipv4Addr::new(108, 162, 192, 0), 18),
        (Ipv4Addr::new(190, 93, 240, 0), 20),
        (Ipv4Addr::new(188, 114, 96, 0), 20),
        (Ipv4Addr::new(197, 234, 240, 0), 22),
        (Ipv4Addr::new(198, 41, 128, 0), 17),
        (Ipv4Addr::new(162, 158, 0, 0), 15),
        (Ipv4Addr::new(104, 16, 0, 0), 13),
        (Ipv4Addr::new(104, 24, 0, 0), 14),
        (Ipv4Addr::new(172, 64, 0, 0), 13),
        (Ipv4Addr::new(131, 0, 72, 0), 22),
    ];
    const SIX: [(Ipv6Addr, u32); 7] = [
        (Ipv6Addr::new(0x2400, 0xcb00, 0, 0, 0, 0, 0, 0), 32),
        (Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0, 0, 0), 32),
        (Ipv6Addr::new(0x2803, 0xf800, 0, 0, 0, 0, 0, 0), 32),
        (Ipv6Addr::new(0x2405, 0xb500, 0, 0, 0, 0, 0, 0), 32),
        (Ipv6Addr::new(0x2405, 0x8100, 0, 0, 0, 0, 0, 0), 32),
        (Ipv6Addr::new(0x2a06, 0x98c0, 0, 0, 0, 0, 0, 0), 29),
        (Ipv6Addr::new(0x2c0f, 0xf248, 0, 0, 0, 0, 0, 0), 32),
    ];
    match address.to_canonical() {
        IpAddr::V4(four) => FOUR
            .iter()
            .any(|(net, bits)| (u32::from(four) ^ u32::from(*net)) >> (32 - bits) == 0),
        IpAddr::V6(six) => SIX
            .iter()
            .any(|(net, bits)| (u128::from(six) ^ u128::from(*net)) >> (128 - bits) == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_end_where_they_are_published_to_end() {
        for (address, is) in [
            ("104.16.0.0", true),
            ("104.27.255.255", true),
            ("104.28.0.0", false),
            ("::ffff:172.67.200.1", true),
            ("2606:4700:3030::1", true),
            ("2a06:98c7:ffff::1", true),
            ("2a06:98c8::1", false),
            ("66.33.22.1", false),
        ] {
            assert_eq!(is_cloudflare(address.parse().unwrap()), is, "{address}");
        }
    }
}
