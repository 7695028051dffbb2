//! Writes the batches that the compression dictionary is trained on, one a file, into a folder.
//!
//! They are made, from what traffic commonly says: browsers' names, content types, common paths, versions, issuers, in
//! findings of rules, hosts and addresses drawn at random. Nothing of them comes from captures, and no test measures
//! with these seeds. `tools/train-dictionary` runs it.
#![allow(clippy::unwrap_used, reason = "a tool for developers")]

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use lapwing_wire::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Batches written.
const BATCHES: u64 = 4000;
const START_MILLISECONDS: u64 = 1_700_000_000_000;

const USER_AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15",
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
    "Mozilla/5.0 (X11; Linux x86_64)",
    "Mozilla/5.0",
    "curl/8.5.0",
    "Wget/1.21.4",
    "python-requests/2.31.0",
    "Go-http-client/1.1",
    "okhttp/4.12.0",
    "Microsoft-CryptoAPI/10.0",
    "WinHTTP",
    "Dalvik/2.1.0 (Linux; U; Android 13)",
    "zgrab/0.x",
    "Java/17.0.10",
];
const PATHS: &[&str] = &[
    "/",
    "/index.php",
    "/index.html",
    "/login",
    "/wp-login.php",
    "/wp-admin/admin-ajax.php",
    "/admin/",
    "/api/v1/",
    "/favicon.ico",
    "/robots.txt",
    "/.env",
    "/cgi-bin/",
    "/xmlrpc.php",
    "/gate.php",
    "/panel/gate.php",
    "/update",
    "/images/",
    "/shell",
    "/boaform/admin/formLogin",
    "/setup.cgi",
    "/HNAP1/",
    "/phpmyadmin/index.php",
    "/../../../../etc/passwd",
    "/download/",
    "/files/",
    "/upload.php",
];
const QUERIES: &[&str] = &[
    "", "", "", "?id=", "?page=", "?q=", "?cmd=", "?key=", "?u=", "?action=",
];
const CONTENT_TYPES: &[&str] = &[
    "text/html",
    "text/html; charset=UTF-8",
    "text/html; charset=utf-8",
    "text/plain",
    "application/json",
    "application/octet-stream",
    "application/x-msdownload",
    "application/zip",
    "application/pdf",
    "image/jpeg",
    "image/png",
    "application/javascript",
];
const METHODS: &[&str] = &["GET", "GET", "GET", "POST", "HEAD", "PUT", "OPTIONS"];
const STATUSES: &[&str] = &[
    "200", "200", "200", "404", "302", "301", "403", "500", "304", "401",
];
const LABELS: &[&str] = &[
    "www", "api", "cdn", "mail", "update", "static", "img", "login", "ns1", "app", "data", "s3",
    "dl", "files", "ads", "m",
];
const DOMAINS: &[&str] = &[
    "com",
    "net",
    "org",
    "info",
    "xyz",
    "top",
    "ru",
    "cn",
    "io",
    "co.uk",
    "com.br",
    "duckdns.org",
    "ddns.net",
    "online",
    "site",
    "cc",
    "pw",
    "biz",
    "example.com",
    "example.net",
];
const QUERY_TYPES: &[&str] = &[
    "A", "A", "AAAA", "TXT", "MX", "NS", "CNAME", "SRV", "PTR", "ANY", "HTTPS",
];
const TLS_VERSIONS: &[&str] = &["TLS 1.2", "TLS 1.3", "TLSv1", "TLS 1.0"];
const ISSUERS: &[&str] = &[
    "C=US, O=Let's Encrypt, CN=R3",
    "C=US, O=Let's Encrypt, CN=R11",
    "C=US, O=DigiCert Inc, CN=DigiCert TLS RSA SHA256 2020 CA1",
    "C=US, O=Google Trust Services, CN=WR2",
    "C=GB, ST=Greater Manchester, L=Salford, O=Sectigo Limited, CN=Sectigo RSA Domain Validation Secure Server CA",
    "C=AU, ST=Some-State, O=Internet Widgits Pty Ltd",
    "CN=localhost",
];
const JA4_STARTS: &[&str] = &[
    "t13d1516h2_8daaf6152771_",
    "t13d1715h2_",
    "t12d1909h2_",
    "t13d1517h2_",
    "t12i210700_",
    "t10d070600_",
];
const SSH_SOFTWARE: &[&str] = &[
    "OpenSSH_8.9p1",
    "OpenSSH_9.2p1",
    "OpenSSH_7.4",
    "libssh2_1.10.0",
    "libssh_0.10.6",
    "Go",
    "PuTTY_Release_0.80",
    "paramiko_3.4.0",
    "dropbear_2022.83",
];

fn pick<'a>(random: &mut StdRng, words: &[&'a str]) -> &'a str {
    // The first words are the common ones.
    let uniform: f64 = random.random_range(0.0..1.0);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 <= index < len"
    )]
    let index = (uniform * uniform * words.len() as f64) as usize;
    words.get(index).copied().unwrap_or_default()
}

fn word(random: &mut StdRng, letters: std::ops::Range<usize>) -> String {
    let length = random.random_range(letters);
    (0..length)
        .map(|_| char::from(random.random_range(b'a'..=b'z')))
        .collect()
}

fn host(random: &mut StdRng) -> String {
    let name = word(random, 4..12);
    let domain = pick(random, DOMAINS);
    if random.random_bool(0.5) {
        format!("{}.{name}.{domain}", pick(random, LABELS))
    } else {
        format!("{name}.{domain}")
    }
}

fn hex(random: &mut StdRng, digits: usize) -> String {
    (0..digits)
        .map(|_| char::from_digit(random.random_range(0..16), 16).unwrap())
        .collect()
}

/// One rule as a batch sees it: what its findings share.
struct Rule {
    id: RuleId,
    severity: Severity,
    kind: usize,
    port: u16,
    is_to_client: bool,
}

impl Rule {
    fn random(random: &mut StdRng) -> Self {
        let kind = random.random_range(0..8);
        let ports: &[u16] = match kind {
            0..=2 => &[80, 80, 8080],
            3 | 4 => &[443, 443, 8443],
            5 => &[53],
            6 => &[22],
            _ => &[445, 23, 3389, 25, 5060, 1433, 161, 21, 3306, 123],
        };
        Self {
            id: RuleId {
                gid: 1,
                sid: random.random_range(2_000_000..2_070_000),
                rev: random.random_range(1..12),
            },
            severity: Severity::from_priority(random.random_range(1..4)),
            kind,
            port: *ports.get(random.random_range(0..ports.len())).unwrap(),
            is_to_client: random.random_bool(0.2),
        }
    }

    fn facts(&self, random: &mut StdRng) -> (Option<&'static str>, Facts) {
        let mut facts = Facts::default();
        let mut push = |kind, value: String| facts.push(kind, value.as_bytes());
        let app = match self.kind {
            0..=2 => {
                push(FactKind::HttpHost, host(random));
                let digits = random.random_range(0..12);
                push(
                    FactKind::HttpUri,
                    format!(
                        "{}{}{}",
                        pick(random, PATHS),
                        pick(random, QUERIES),
                        hex(random, digits)
                    ),
                );
                push(FactKind::HttpMethod, pick(random, METHODS).to_owned());
                push(
                    FactKind::HttpUserAgent,
                    pick(random, USER_AGENTS).to_owned(),
                );
                if self.kind > 0 {
                    push(FactKind::HttpStatus, pick(random, STATUSES).to_owned());
                    push(
                        FactKind::HttpContentType,
                        pick(random, CONTENT_TYPES).to_owned(),
                    );
                }
                "http"
            }
            3 | 4 => {
                push(FactKind::TlsSni, host(random));
                push(FactKind::TlsVersion, pick(random, TLS_VERSIONS).to_owned());
                if self.kind == 4 {
                    push(FactKind::TlsSubject, format!("CN={}", host(random)));
                    push(FactKind::TlsIssuer, pick(random, ISSUERS).to_owned());
                    let pairs: Vec<String> = (0..20).map(|_| hex(random, 2)).collect();
                    push(FactKind::TlsFingerprint, pairs.join(":"));
                }
                push(FactKind::Ja3, hex(random, 32));
                push(
                    FactKind::Ja4,
                    format!("{}{}", pick(random, JA4_STARTS), hex(random, 12)),
                );
                "tls"
            }
            5 => {
                push(FactKind::DnsQuery, host(random));
                push(FactKind::DnsQueryType, pick(random, QUERY_TYPES).to_owned());
                "dns"
            }
            6 => {
                push(
                    FactKind::SshClientSoftware,
                    pick(random, SSH_SOFTWARE).to_owned(),
                );
                push(
                    FactKind::SshServerSoftware,
                    pick(random, SSH_SOFTWARE).to_owned(),
                );
                "ssh"
            }
            _ => match self.port {
                445 => "smb",
                25 => "smtp",
                5060 => "sip",
                21 => "ftp",
                161 => "snmp",
                3389 => "rdp",
                _ => return (None, facts),
            },
        };
        (Some(app), facts)
    }

    fn finding(&self, random: &mut StdRng, wall: u64, disclosure: usize) -> Finding {
        let (app_protocol, facts) = self.facts(random);
        let last = wall - random.random_range(0..2000u64);
        let duration = if random.random_bool(0.6) {
            0
        } else {
            random.random_range(1..60_000u64)
        };
        let packets = random.random_range(1..30u64);
        let outside = if random.random_bool(0.1) {
            IpAddr::V6(Ipv6Addr::from(
                (0x2001_u128 << 112) | u128::from(random.random_range(0..u64::MAX)),
            ))
        } else {
            IpAddr::V4(Ipv4Addr::from(
                random.random_range(0x0100_0000..0xdfff_ffff_u32),
            ))
        };
        let home = IpAddr::V4(Ipv4Addr::from(
            0x0a00_0000 | random.random_range(0..0x00ff_ffff_u32),
        ));
        let home = match disclosure {
            0 => DisclosedAddress::Withheld,
            1 => DisclosedAddress::Clear(home),
            _ => DisclosedAddress::Pseudonym {
                address: home,
                key_epoch: 1,
            },
        };
        let inside = Endpoint {
            address: home,
            port: Some(random.random_range(32_768..61_000)),
        };
        let outside = Endpoint {
            address: DisclosedAddress::Clear(outside),
            port: Some(self.port),
        };
        let (source, destination) = if self.is_to_client {
            (outside, inside)
        } else {
            (inside, outside)
        };
        Finding {
            first_milliseconds: last - duration,
            last_milliseconds: last,
            count: if duration == 0 {
                1
            } else {
                random.random_range(1..20)
            },
            rule: self.id,
            severity: self.severity,
            action: Action::Alert,
            source,
            destination,
            protocol: if matches!(self.port, 53 | 161 | 123 | 5060) {
                17
            } else {
                6
            },
            app_protocol: app_protocol.map(str::to_owned),
            direction: if self.is_to_client {
                Direction::ToClient
            } else {
                Direction::ToServer
            },
            traffic: Traffic {
                packets_to_server: packets,
                bytes_to_server: packets * 70 + random.random_range(0..600u64),
                packets_to_client: packets.saturating_sub(1),
                bytes_to_client: packets * 60 + random.random_range(0..6000u64),
            },
            flow_start_milliseconds: Some(last - duration - random.random_range(0..500u64)),
            facts,
        }
    }
}

fn batch(random: &mut StdRng) -> Vec<Record> {
    let mut wall = START_MILLISECONDS + random.random_range(0..100_000_000_000_u64);
    let boot: [u8; 16] = random.random();
    let policy: [u8; 32] = random.random();
    let disclosure = random.random_range(0..3);
    let header = |wall, number, lane| RecordHeader {
        lane,
        number: RecordNumber(number),
        time: Stamp {
            wall_milliseconds: wall,
            monotonic_milliseconds: wall - START_MILLISECONDS,
            boot: BootId(boot),
            quality: ClockQuality::Network,
        },
        policy: Some(PolicyDigest(policy)),
    };
    let first = random.random_range(0..1_000_000u64);
    let queue = Queue::default();
    let mut records = vec![
        Record::new(
            header(wall, first, Lane::Status),
            RecordBody::Heartbeat(Heartbeat {
                state: SensorState::Running,
                uptime_seconds: random.random_range(0..3_000_000),
                software_version: "0.1.0".to_owned(),
                pack_version: String::new(),
                pack: Some(PackDigest(random.random())),
                policy: Some(PolicyDigest(policy)),
                packets: random.random_range(0..100_000_000),
                dropped_packets: 0,
                queue,
                account: Account::default(),
            }),
        )
        .unwrap(),
    ];
    let counters = [
        "stream_gap",
        "flows_evicted",
        "fragments_dropped",
        "panics_caught",
        "findings_closed_early",
    ];
    records.push(
        Record::new(
            header(wall + 5, first + 1, Lane::Status),
            RecordBody::Summary(Summary {
                start_milliseconds: wall - 3_600_000,
                end_milliseconds: wall,
                packets: random.random_range(0..100_000_000),
                bytes: random.random_range(0..80_000_000_000),
                decoded_packets: random.random_range(0..100_000_000),
                flows: random.random_range(0..1_000_000),
                rules_loaded: 20_018,
                alerts: random.random_range(0..5000),
                counters: counters
                    .iter()
                    .map(|name| Counter {
                        name: (*name).to_owned(),
                        value: random.random_range(1..1000),
                    })
                    .collect(),
                ..Summary::default()
            }),
        )
        .unwrap(),
    );
    let rules: Vec<Rule> = (0..random.random_range(1..12))
        .map(|_| Rule::random(random))
        .collect();
    let findings = *[0, 1, 3, 10, 10, 10, 20, 50]
        .get(random.random_range(0..8usize))
        .unwrap();
    for number in 0..findings {
        wall += random.random_range(0..30_000u64);
        let rule = rules.get(random.random_range(0..rules.len())).unwrap();
        let finding = rule.finding(random, wall, disclosure);
        let lane = Lane::of_severity(finding.severity);
        records.push(
            Record::new(
                header(wall, first + number, lane),
                RecordBody::Finding(finding),
            )
            .unwrap(),
        );
    }
    // Findings travel with and without what else a sensor tells.
    let skipped = if findings > 0 {
        random.random_range(0..3)
    } else {
        random.random_range(0..2)
    };
    records.split_off(skipped)
}

fn main() {
    let Some(folder) = std::env::args().nth(1) else {
        panic!("usage: dictionary_samples FOLDER");
    };
    let mut random = StdRng::seed_from_u64(0x6c61_7077_696e_6721);
    for number in 0..BATCHES {
        let records = batch(&mut random);
        fs::write(
            Path::new(&folder).join(format!("{number:05}")),
            encode_records(&records),
        )
        .unwrap();
    }
}
