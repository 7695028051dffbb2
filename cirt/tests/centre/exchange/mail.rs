//! Notices as mail: a real server receives them over TLS, `gpg` opens them, `xarf` reads their reports, and the sensors' silence closes them.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use jiff::{SignedDuration, Timestamp};
use lapwing_cirt::exchange::notify::{self, MailServer};
use lapwing_cirt::exchange::{PeerKind, Tlp, Way, release};
use lapwing_cirt::query::Scope;
use lapwing_cirt::store::{Contact, Store};
use serde_json::{Value, json};

use super::support::{all_findings, centre, peer, producer, python, script, told, wait_for_file};

/// A server that receives mail, with its own certificate.
pub(crate) struct MailHost {
    child: Child,
    folder: tempfile::TempDir,
    pub(crate) server: MailServer,
}

impl MailHost {
    pub(crate) fn start(python: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let certificate = file("certificate.pem", &made.cert.pem());
        let key = file("key.pem", &made.signing_key.serialize_pem());
        let child = script(python, "smtp_serve.py")
            .args([&certificate, &key, &folder.path().to_owned()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let port = wait_for_file(&folder.path().join("port"))
            .trim()
            .parse()
            .unwrap();
        let server = MailServer {
            host: "localhost".to_owned(),
            port,
            tls_at_once: false,
            login: None,
            authority: Some(certificate),
            by_itself: false,
        };
        Self {
            child,
            folder,
            server,
        }
    }

    /// Mail number `number`.
    pub(crate) fn mail(&self, number: usize) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join(format!("{number}.eml"))).ok()
    }
}

impl Drop for MailHost {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A provider that answers for the addresses and the hidden ends of the findings.
fn provider(store: &Store, language: &str, openpgp: Option<String>) {
    peer(store, "isp", PeerKind::Provider, Tlp::Amber);
    let contact = Contact {
        peer: "isp".to_owned(),
        email: "abuse@isp.example".to_owned(),
        language: language.to_owned(),
        openpgp,
        scopes: vec!["192.0.2.0/24".to_owned(), "sensor:isp-a".to_owned()],
        ..Contact::default()
    };
    store.set_contact("test", &contact).unwrap();
}

#[test]
fn a_notice_is_approved_sent_once_closed_by_silence_and_reopened() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let host = MailHost::start(&python);
    let centre = centre(5);
    let (store, producer) = (centre.store(), producer(&centre));
    provider(&store, "fr", None);
    let now = Timestamp::now();
    let (matched, seen) = notify::gather(&store, &producer, now).unwrap();
    // The IPv6 end is of our country and of nobody's that we know.
    assert_eq!((matched, seen), (4, 5));
    assert!(
        notify::send(&store, &producer, &host.server, now)
            .unwrap()
            .is_empty(),
        "nobody agreed to the first contact"
    );
    store.approve_contact("test", "isp").unwrap();
    let sent = notify::send(&store, &producer, &host.server, now).unwrap();
    assert_eq!(sent[0].problem, None);
    assert_eq!(sent[0].findings, 4);
    let mail = host.mail(0).unwrap();
    for part in [
        "To: abuse@isp.example",
        "findings.csv",
        "xarf-",
        "192.0.2.10 port 40000",
    ] {
        assert!(mail.contains(part), "{mail}");
    }
    assert!(mail.contains("Bonjour"), "{mail}");
    // What was told is told once; and not more than one mail a day.
    assert!(
        notify::send(
            &store,
            &producer,
            &host.server,
            now + SignedDuration::from_hours(25)
        )
        .unwrap()
        .is_empty()
    );
    let entry = &store.sharing_register(Some("isp"), 10).unwrap()[0];
    assert_eq!(
        (entry.way.as_str(), entry.items, entry.refusal.as_deref()),
        ("mail", 4, None)
    );

    // A dead sensor's silence proves nothing.
    let later = now + SignedDuration::from_hours(24 * 365);
    let week = SignedDuration::from_hours(24 * 7);
    assert_eq!(store.close_fixed(week, later).unwrap(), 0);
    let sensor = store.sensor(Scope::Nation, "isp-a").unwrap().key;
    store.note_contact(sensor, "192.0.2.1", later).unwrap();
    assert_eq!(store.close_fixed(week, later).unwrap(), 3);
    assert!(
        store
            .notices(10)
            .unwrap()
            .iter()
            .all(|notice| notice.state == "fixed")
    );

    // The mail comes back: nobody is written to until a person agrees again.
    let id = mail
        .lines()
        .find_map(|line| line.strip_prefix("Message-ID: <"))
        .unwrap()
        .trim_end()
        .trim_end_matches('>');
    let notification = format!(
        "Final-Recipient: rfc822; abuse@isp.example\nAction: failed\nStatus: 5.1.1\n\nMessage-ID: <{id}>\n"
    );
    let bounce = notify::read_bounce(&notification).unwrap();
    assert_eq!(
        store
            .mail_bounced(&bounce.message_id, "5.1.1", now)
            .unwrap(),
        "isp"
    );
    assert!(store.contacts().unwrap()[0].bounced.is_some());
}

#[test]
fn gpg_verifies_and_decrypts_the_mail() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    if Command::new("gpg").arg("--version").output().is_err() {
        super::support::skipped(Path::new("gpg"));
        return;
    }
    let host = MailHost::start(&python);
    let centre = centre(5);
    let (store, producer) = (centre.store(), producer(&centre));
    let ours = producer.settings.openpgp_home.clone();
    let theirs = centre.temporary.path().join("their-keys");
    for (home, address) in [(&ours, "cirt@cirt.example"), (&theirs, "abuse@isp.example")] {
        std::fs::create_dir_all(home).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(home, private).unwrap();
        gpg(
            home,
            &[
                "--passphrase",
                "",
                "--quick-generate-key",
                address,
                "future-default",
                "default",
                "never",
            ],
            None,
        );
    }
    let public = gpg(&theirs, &["--armor", "--export", "abuse@isp.example"], None);
    provider(&store, "en", Some(public));
    gpg(
        &theirs,
        &["--import"],
        Some(gpg(&ours, &["--armor", "--export"], None)),
    );
    store.approve_contact("test", "isp").unwrap();
    let now = Timestamp::now();
    notify::gather(&store, &producer, now).unwrap();
    let sent = notify::send(&store, &producer, &host.server, now).unwrap();
    assert_eq!(sent[0].problem, None);
    let mail = host.mail(0).unwrap();
    assert!(
        mail.contains("multipart/encrypted") && !mail.contains("192.0.2.10"),
        "{mail}"
    );
    let begin = mail.find("-----BEGIN PGP MESSAGE-----").unwrap();
    let end = mail.find("-----END PGP MESSAGE-----").unwrap() + 25;
    let armour = mail.get(begin..end).unwrap();
    let status = theirs.join("status");
    let plain = gpg(
        &theirs,
        &["--status-file", status.to_str().unwrap(), "--decrypt"],
        Some(armour.to_owned()),
    );
    assert!(
        plain.contains("findings.csv") && plain.contains("192.0.2.10"),
        "{plain}"
    );
    let status = std::fs::read_to_string(status).unwrap();
    assert!(
        status.contains("GOODSIG") && status.contains("DECRYPTION_OKAY"),
        "{status}"
    );
}

/// Runs gpg in a folder of keys; what it printed.
fn gpg(home: &Path, arguments: &[&str], input: Option<String>) -> String {
    use std::io::Write as _;
    let mut child = Command::new("gpg")
        .arg("--homedir")
        .arg(home)
        .args([
            "--batch",
            "--no-tty",
            "--quiet",
            "--pinentry-mode",
            "loopback",
        ])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.unwrap_or_default().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn xarf_accepts_every_report_and_rejects_broken_ones() {
    let Some(python) = python("python-exchange") else {
        return;
    };
    let centre = centre(20);
    let (store, producer) = (centre.store(), producer(&centre));
    provider(&store, "en", None);
    let released = release(
        &store,
        "isp",
        Way::Mail,
        Timestamp::now(),
        all_findings(&store, &producer),
    )
    .unwrap();
    let mut reports = notify::reports(&producer, &released);
    assert_eq!(reports.len(), 20);
    let mut without = reports[0].clone();
    without.as_object_mut().unwrap().remove("reporter");
    let mut unknown = reports[0].clone();
    unknown["category"] = "weather".into();
    reports.extend([without, unknown]);
    let mut command = script(&python, "xarf_check.py");
    for (number, report) in reports.iter().enumerate() {
        let path = centre.temporary.path().join(format!("{number}.json"));
        std::fs::write(&path, report.to_string()).unwrap();
        command.arg(path);
    }
    let told = told(&command.output().unwrap());
    let errors: Vec<&Value> = told.as_array().unwrap().iter().collect();
    for (report, errors) in reports.iter().zip(&errors).take(20) {
        assert_eq!(**errors, json!([]), "{report:#}");
    }
    assert!(
        errors[20..].iter().all(|errors| **errors != json!([])),
        "the validator is blind"
    );
}
