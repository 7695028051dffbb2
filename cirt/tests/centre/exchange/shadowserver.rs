//! Reports of others in the inbox. The rows are made up, the columns are those of the foundation's files.

use jiff::Timestamp;
use lapwing_cirt::exchange::shadowserver::{self, Imported, REPORT_GENERATOR};
use lapwing_cirt::exchange::{PeerKind, Shareable as _, Tlp, notify};
use lapwing_cirt::query::Scope;
use lapwing_cirt::store::Contact;
use lapwing_wire::DisclosedAddress;

use super::support::{all_findings, centre, peer, producer};

const SINKHOLE: &str = "\"timestamp\",\"severity\",\"protocol\",\"src_ip\",\"src_port\",\"src_asn\",\"src_geo\",\"dst_ip\",\"dst_port\",\"infection\",\"family\",\"http_url\",\"http_host\",\"http_agent\"
\"2026-05-01 00:00:01\",\"critical\",\"tcp\",\"192.0.2.33\",60902,64500,\"EX\",\"198.51.100.9\",80,\"andromeda\",\"andromeda\",\"/gate.php\",\"c2.example\",\"Mozilla\"
\"2026-05-01 00:00:02\",,\"tcp\",\"192.0.2.34\",60903,64500,\"EX\",\"198.51.100.9\",80,\"qsnatch\",\"qsnatch\",,\"c2.example\",
\"yesterday\",\"critical\",\"tcp\",\"192.0.2.35\",1,64500,\"EX\",\"198.51.100.9\",80,\"andromeda\",,,,
\"2026-05-01 00:00:04\",\"critical\",\"tcp\",\"192.0.2.0/24\",1,64500,\"EX\",\"198.51.100.9\",80,\"andromeda\",,,,
\"2026-05-01 00:00:05\",\"critical\",\"tcp\",\"192.0.2.36\",70000,64500,\"EX\",\"198.51.100.9\",80,\"andromeda\",,,,
";
const RESOLVERS: &str =
    "timestamp,ip,protocol,port,hostname,tag,dns_version,asn,geo,region,city,min_amplification
2026-05-01 00:14:34,192.0.2.53,udp,53,ns.example,openresolver,dnsmasq-2.66,64500,EX,,,4.6190
2026-05-01 00:14:36,192.0.2.54,udp,53,,openresolver,,64500,EX,,,1.3810
";

#[test]
fn several_reports_become_findings_told_to_those_responsible() {
    let centre = centre(0);
    let (store, producer) = (centre.store(), producer(&centre));
    peer(&store, "shadowserver", PeerKind::Cirt, Tlp::Green);
    peer(&store, "isp", PeerKind::Provider, Tlp::Amber);
    let contact = Contact {
        peer: "isp".to_owned(),
        email: "abuse@isp.example".to_owned(),
        language: "en".to_owned(),
        scopes: vec!["192.0.2.0/24".to_owned()],
        ..Contact::default()
    };
    store.set_contact("test", &contact).unwrap();
    let now = Timestamp::now();
    let take = |name: &str, text: &str| {
        let report = shadowserver::read(name, text.as_bytes()).unwrap();
        let lines: Vec<u64> = report.problems.iter().map(|(line, _)| *line).collect();
        let imported = shadowserver::import(
            &centre.folder,
            &store,
            "shadowserver",
            &report,
            text.as_bytes(),
            now,
        )
        .unwrap();
        centre.loader().run(&store).unwrap();
        (report.kind.name, imported, lines)
    };
    assert_eq!(
        take("2026-05-01-event4_sinkhole_http-examplia-geo.csv", SINKHOLE),
        (
            "event4_sinkhole_http",
            Imported { rows: 2, new: 2 },
            vec![4, 5, 6]
        )
    );
    // Known by its columns; and the same file again is nothing new.
    assert_eq!(
        take("today.csv", RESOLVERS),
        ("scan_dns", Imported { rows: 2, new: 2 }, vec![])
    );
    assert_eq!(take("again.csv", RESOLVERS).1, Imported { rows: 2, new: 0 });
    assert!(store.alarms(Scope::Nation, 10).unwrap().is_empty());

    let findings = all_findings(&store, &producer);
    let mut told: Vec<(String, String, u8, String)> = findings
        .iter()
        .map(|one| {
            let row = one.row();
            assert_eq!(
                (row.sensor.as_str(), row.rule.gid),
                ("reports-shadowserver", REPORT_GENERATOR)
            );
            assert!(matches!(row.source.address, DisclosedAddress::Clear(_)));
            (
                one.source().unwrap().to_string(),
                row.title(),
                row.severity,
                one.classification().kind.to_owned(),
            )
        })
        .collect();
    told.sort();
    let line = |address: &str, title: &str, severity, kind: &str| {
        (
            address.to_owned(),
            title.to_owned(),
            severity,
            kind.to_owned(),
        )
    };
    assert_eq!(
        told,
        [
            line(
                "192.0.2.33",
                "Infected system reached an HTTP sinkhole (andromeda)",
                1,
                "infected-system"
            ),
            line(
                "192.0.2.34",
                "Infected system reached an HTTP sinkhole (qsnatch)",
                1,
                "infected-system"
            ),
            line(
                "192.0.2.53",
                "Open DNS resolver (openresolver)",
                3,
                "ddos-amplifier"
            ),
            line(
                "192.0.2.54",
                "Open DNS resolver (openresolver)",
                3,
                "ddos-amplifier"
            ),
        ]
    );
    let first = findings
        .iter()
        .find(|one| one.source().unwrap().to_string() == "192.0.2.33")
        .unwrap();
    assert_eq!(first.fact("http.host"), Some("c2.example"));
    assert_eq!(first.row().first, "2026-05-01T00:00:01Z".parse().unwrap());

    // They go the same ways as what our own sensors saw, and survive a rebuild.
    assert_eq!(notify::gather(&store, &producer, now).unwrap(), (4, 4));
    let before: Vec<String> = findings
        .iter()
        .map(|one| one.subject().to_owned())
        .collect();
    store.reset_derived("test").unwrap();
    centre.loader().run(&store).unwrap();
    let after: Vec<String> = all_findings(&store, &producer)
        .iter()
        .map(|one| one.subject().to_owned())
        .collect();
    assert_eq!(after, before);
    // Nobody reports under the name of a peer that is not there.
    let report = shadowserver::read("x-scan_dns.csv", RESOLVERS.as_bytes()).unwrap();
    assert!(shadowserver::import(&centre.folder, &store, "nobody", &report, b"", now).is_err());
}

#[test]
fn odd_files_are_told_in_one_line() {
    for (name, text) in [
        ("x.csv", ""),
        ("x.csv", "a,b,c\n1,2,3\n"),
        ("x.csv", "\u{0}\u{1}"),
    ] {
        let error = shadowserver::read(name, text.as_bytes()).unwrap_err();
        assert!(
            !error.contains('\n') && error.contains("scan_dns"),
            "{error}"
        );
    }
    // Of a known kind, with nothing in it that can be used.
    let report = shadowserver::read(
        "scan_telnet.csv",
        b"timestamp,ip\n,\n2026-05-01 00:00:00,\n\xff,\xff\n",
    )
    .unwrap();
    assert_eq!((report.rows.len(), report.problems.len()), (0, 3));
}
