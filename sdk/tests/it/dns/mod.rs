//! Names, asked of a real name server.

mod server;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use hickory_server::proto::op::ResponseCode;
use server::{NameServer, Says};
use syscall_sdk::resolve::{Answer, Dns, Endpoint, Resolver};

const HOST: &str = "core.test";

fn six(n: u16) -> IpAddr {
    format!("fd00::{n:x}").parse().unwrap()
}

fn four(n: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, n])
}

fn addresses(answer: &Answer) -> Vec<IpAddr> {
    let address = |endpoint: &Endpoint| match endpoint {
        Endpoint::Tcp(address) => address.ip(),
        Endpoint::Unix(_) => panic!("DNS knows no paths"),
    };
    answer.endpoints.iter().map(address).collect()
}

async fn ask(server: &NameServer, host: &str) -> syscall_sdk::error::Result<Answer> {
    Dns::with_servers(&[server.address]).unwrap().resolve(host, 8000).await
}

#[tokio::test]
async fn both_families_make_one_set_in_order_and_each_address_once() {
    let server = NameServer::start().await;
    server.says(
        Says::Addresses(vec![six(2), six(1), six(2)], 60),
        Says::Addresses(vec![four(9), four(9)], 20),
    );
    let answer = ask(&server, HOST).await.unwrap();
    assert_eq!(addresses(&answer), [four(9), six(1), six(2)]);
    assert_eq!(answer.ttl, Duration::from_secs(20), "the shorter life is the answer's");
}

#[tokio::test]
async fn one_family_alone_is_an_answer() {
    let server = NameServer::start().await;
    server.says(Says::Addresses(vec![six(1)], 60), Says::NoAddress);
    assert_eq!(addresses(&ask(&server, HOST).await.unwrap()), [six(1)]);
    server.says(Says::NoAddress, Says::Addresses(vec![four(1)], 60));
    assert_eq!(addresses(&ask(&server, HOST).await.unwrap()), [four(1)]);
}

#[tokio::test]
async fn a_family_that_hangs_does_not_hold_up_the_other() {
    let server = NameServer::start().await;
    server.says(Says::Addresses(vec![six(1)], 60), Says::Silence);
    let begun = Instant::now();
    assert_eq!(addresses(&ask(&server, HOST).await.unwrap()), [six(1)]);
    // A question to a silent server takes a second, and there are two of them.
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn that_a_name_does_not_exist_is_an_answer_and_that_nobody_answers_is_none() {
    let server = NameServer::start().await;
    for nothing in [Says::NoSuchName, Says::NoAddress] {
        server.says(nothing.clone(), nothing);
        assert_eq!(ask(&server, HOST).await.unwrap().endpoints, []);
    }
    for silence in [
        Says::Silence,
        Says::Code(ResponseCode::ServFail),
        Says::Code(ResponseCode::Refused),
    ] {
        server.says(silence.clone(), silence.clone());
        let error = ask(&server, HOST).await.unwrap_err();
        assert_eq!(error.code(), "DNS_FAILED", "{silence:?}");
        // Half an answer is none: the family that failed may have had the addresses.
        server.says(silence.clone(), Says::NoAddress);
        assert_eq!(
            ask(&server, HOST).await.unwrap_err().code(),
            "DNS_FAILED",
            "{silence:?}"
        );
    }
}

#[tokio::test]
async fn names_are_absolute_so_that_a_search_domain_masks_nothing() {
    let server = NameServer::start().await;
    server.says(Says::Code(ResponseCode::ServFail), Says::Code(ResponseCode::ServFail));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("resolv.conf");
    std::fs::write(
        &path,
        "nameserver 127.0.0.1\nsearch railway.internal example.org\noptions ndots:5\n",
    )
    .unwrap();
    // The file has no way to say a port; what is read of it besides is the same.
    assert!(Dns::from_file(&path).is_ok());
    assert!(ask(&server, "core").await.is_err());
    let asked = server.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|question| question.ends_with(" core.")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn sixty_replicas_do_not_fit_into_a_packet_and_are_all_found() {
    let server = NameServer::start().await;
    server.says(Says::Addresses((1..=60).map(six).collect(), 60), Says::NoAddress);
    let answer = ask(&server, HOST).await.unwrap();
    assert_eq!(answer.endpoints.len(), 60);
    assert!(server.over_tcp() > 0, "the answer cannot have come in one packet");
}

#[tokio::test]
async fn where_the_whole_answer_cannot_be_had_a_part_of_it_is_not_taken_for_it() {
    let server = NameServer::without_tcp().await;
    server.says(Says::Addresses((1..=60).map(six).collect(), 60), Says::NoAddress);
    assert_eq!(ask(&server, HOST).await.unwrap_err().code(), "DNS_FAILED");
}

#[tokio::test]
async fn a_private_name_with_addresses_of_elsewhere_is_told_from_one_without() {
    let server = NameServer::start().await;
    server.says(
        Says::Addresses(
            vec!["::1".parse().unwrap(), "2606:4700::1".parse().unwrap(), six(7)],
            60,
        ),
        Says::Addresses(vec!["169.254.169.254".parse().unwrap()], 60),
    );
    let answer = ask(&server, "core.railway.internal").await.unwrap();
    assert_eq!(addresses(&answer), [six(7)]);
    assert_eq!(answer.refused, 3);
}

#[tokio::test]
async fn without_a_readable_configuration_there_is_no_resolver_that_asks_strangers() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("resolv.conf");
    let error = Dns::from_file(&missing).unwrap_err();
    assert!(error.message().contains("cannot be read"), "{error}");
    std::fs::write(&missing, "# no server\n").unwrap();
    assert!(Dns::from_file(&missing).is_err());
}
