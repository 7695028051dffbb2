//! Who may do what, and who may see what.

use axum::http::StatusCode;
use jiff::Timestamp;
use lapwing_cirt::people::{Permission, PermissionSet, Role, SecondFactor};
use lapwing_cirt::query::{FindingQuery, Scope};
use lapwing_cirt::secrets::{api_token, hash_password, token_hash};
use lapwing_cirt::store::{StoreError, TenantKind};
use lapwing_cirt::web::{api_paths, open_api};
use proptest::prelude::*;

use crate::browser::{Browser, form_token};
use crate::support::{Device, PASSWORD, Sample, TestCentre, clear};

/// Two providers with a sensor each; everything that could leak carries the provider's word.
struct TwoTenants {
    centre: TestCentre,
    sensors: [Device; 2],
    tokens: [String; 2],
}

const WORDS: [&str; 2] = ["alphanet", "betanet"];

impl TwoTenants {
    fn new() -> Self {
        let centre = TestCentre::new();
        let store = centre.store();
        let sensors = WORDS.map(|word| {
            let device = centre.enrolled_device(&format!("{word}-core"));
            let title = format!("Provider {word}");
            store
                .add_tenant("test", &word.parse().unwrap(), TenantKind::Provider, &title)
                .unwrap();
            store
                .place_sensor("test", &format!("{word}-core"), Some(word))
                .unwrap();
            device
        });
        let tokens = WORDS.map(|word| {
            let name = format!("contact-{word}");
            let hash = hash_password(PASSWORD).unwrap();
            let role = Role::IspContact;
            store
                .add_user("test", &name.parse().unwrap(), role, Some(word), &hash)
                .unwrap();
            let user = store.user(&name).unwrap().unwrap();
            let token = api_token();
            let all = PermissionSet::of(&Permission::ALL);
            store
                .add_token(user.key, &name, "test", &token_hash(&token), all, 1)
                .unwrap();
            token
        });
        Self {
            centre,
            sensors,
            tokens,
        }
    }

    fn send(&self, tenant: usize, number: u64, sid: u32) {
        let host: &'static [u8] =
            [b"host.alphanet.example".as_slice(), b"host.betanet.example"][tenant];
        let sample = Sample {
            sid,
            source: clear(["192.0.2.1", "203.0.113.1"][tenant]),
            facts: vec![(lapwing_wire::FactKind::HttpHost, host)],
            ..Sample::numbered(number)
        };
        let store = self.centre.store();
        self.centre
            .take(&store, &self.sensors[tenant], number, &[sample.record()]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]
    /// Whatever is stored, no answer of the API to one tenant holds anything of the other: every path of the OpenAPI
    /// document is asked, with every name that exists, and the national view proves that the rows are there.
    #[test]
    fn no_row_of_another_tenant_is_ever_seen(rows in prop::collection::vec((0usize..2, 1u32..4), 2..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let two = TwoTenants::new();
            for tenant in [0, 1] {
                two.send(tenant, 0, 7);
            }
            for (number, (tenant, sid)) in rows.iter().enumerate() {
                two.send(*tenant, number as u64 + 1, *sid);
            }
            let store = two.centre.store();
            let everything = store.findings(&FindingQuery::all(Scope::Nation), None, 1_000).unwrap();
            assert_eq!(everything.findings.len(), rows.len() + 2);
            let browser = Browser::new(&two.centre);
            let mut paths = Vec::new();
            for (path, _) in api_paths() {
                // News never end; they hold one number, which the store's own test covers.
                if path.ends_with("/stream") {
                    continue;
                }
                if path.contains("{id}") && path.contains("findings") {
                    paths.extend(everything.findings.iter().map(|finding| path.replace("{id}", &finding.id)));
                } else if path.contains("{name}") {
                    paths.extend(WORDS.map(|word| path.replace("{name}", &format!("{word}-core"))));
                } else if path.contains('{') {
                    paths.extend((0..8).map(|key| path.replace("{key}", &key.to_string())));
                } else {
                    paths.push(path.to_owned());
                    paths.extend(["192.0.2.1", "203.0.113.1"].map(|address| format!("{path}?address={address}")));
                    paths.extend(WORDS.map(|word| format!("{path}?host=host.{word}.example")));
                    paths.extend(WORDS.map(|word| format!("{path}?tenant={word}")));
                    paths.extend(["sensor:", "tenant:"].map(|line| format!("{path}?q={line}")));
                    paths.push(format!("{path}?sensor={}-core", WORDS[0]));
                    paths.push(format!("{path}?sensor={}-core", WORDS[1]));
                }
            }
            for (tenant, token) in two.tokens.iter().enumerate() {
                let (own, other) = (WORDS[tenant], WORDS[1 - tenant]);
                let other_address = ["203.0.113.1", "192.0.2.1"][tenant];
                let mut own_seen = 0;
                for path in &paths {
                    let (status, body) = browser.ask(path, token).await;
                    assert!(status != StatusCode::INTERNAL_SERVER_ERROR, "{path}");
                    // A question may be told back; an answer may not.
                    let asked = path.rsplit(['/', '=']).next().unwrap();
                    let told = body.replace(asked, "");
                    assert!(!told.contains(other) && !told.contains(other_address), "{own} asks {path}: {body}");
                    own_seen += usize::from(body.contains(own));
                }
                assert!(own_seen > 2, "{own} sees its own");
            }
        });
    }
}

/// The paths of the document are those of the router, and each needs a permission.
#[test]
fn the_document_names_every_path() {
    let document = open_api();
    let mut told: Vec<&str> = document.paths.paths.keys().map(String::as_str).collect();
    let mut served: Vec<&str> = api_paths().into_iter().map(|(path, _)| path).collect();
    told.sort_unstable();
    served.sort_unstable();
    served.dedup();
    assert_eq!(told, served);
    let open: Vec<&str> = api_paths()
        .into_iter()
        .filter(|(_, may)| may.is_none())
        .map(|(path, _)| path)
        .collect();
    assert_eq!(open, ["/api/v1/openapi.json"]);
    let text = format!("{}\n", document.to_pretty_json().unwrap());
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == text,
        "openapi.json: run with UPDATE=1 if this is meant"
    );
}

#[tokio::test]
async fn a_role_opens_its_pages_and_no_others() {
    let centre = TestCentre::new();
    let store = centre.store();
    store
        .add_tenant("test", &"isp".parse().unwrap(), TenantKind::Provider, "ISP")
        .unwrap();
    let hash = hash_password(PASSWORD).unwrap();
    for role in Role::ALL {
        let tenant = (role == Role::IspContact).then_some("isp");
        store
            .add_user("test", &role.as_str().parse().unwrap(), role, tenant, &hash)
            .unwrap();
    }
    for role in Role::ALL {
        let mut browser = Browser::new(&centre);
        browser.sign_in(role.as_str(), PASSWORD).await;
        for (path, permission) in [
            ("/findings", Permission::ReadFindings),
            ("/sensors", Permission::ReadSensors),
            ("/users", Permission::ManageUsers),
            ("/audit", Permission::ReadAudit),
        ] {
            let expected = if role.permissions().contains(permission) {
                StatusCode::OK
            } else {
                StatusCode::FORBIDDEN
            };
            assert_eq!(browser.get(path).await.status, expected, "{role} {path}");
        }
    }
}

#[test]
fn a_contact_without_a_tenant_is_refused() {
    let centre = TestCentre::new();
    let added = centre.store().add_user(
        "test",
        &"nobody".parse().unwrap(),
        Role::IspContact,
        None,
        "x",
    );
    assert!(matches!(added, Err(StoreError::Refused(_))));
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_works_once() {
    let centre = TestCentre::new();
    let store = centre.store();
    let user = store.user("admin").unwrap().unwrap();
    let secret = b"12345678901234567890";
    let refused =
        store.set_second_factor(user.key, "admin", secret, "000000", Timestamp::UNIX_EPOCH);
    assert!(matches!(refused, Err(StoreError::Refused(_))));
    // Step 1 of RFC 6238; what the test computes for now is newer.
    let then = Timestamp::from_second(59).unwrap();
    store
        .set_second_factor(user.key, "admin", secret, "287082", then)
        .unwrap();

    let mut browser = Browser::new(&centre);
    let wrong = browser.sign_in("admin", PASSWORD).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let code = current_code(secret);
    let form =
        |token: &str| format!("form_token={token}&user=admin&password={PASSWORD}&code={code}");
    let token = form_token(&browser.get("/login").await.body);
    let right = browser.post("/login", &form(&token)).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER);
    let mut again = Browser::new(&centre);
    let token = form_token(&again.get("/login").await.body);
    let repeated = again.post("/login", &form(&token)).await;
    assert_eq!(repeated.status, StatusCode::UNAUTHORIZED);
}

/// The code of this step or the next, found as the checker would accept it: one of the step before might be over when it comes.
fn current_code(secret: &[u8]) -> String {
    let factor = SecondFactor::of(secret).unwrap();
    let now = u64::try_from(Timestamp::now().as_second()).unwrap();
    (0..1_000_000)
        .map(|number| format!("{number:06}"))
        .find(|code| factor.check(code, now, now / 30 - 1).is_some())
        .unwrap()
}

#[tokio::test]
async fn a_token_may_do_what_it_names_and_ends_when_revoked() {
    let centre = TestCentre::new();
    let store = centre.store();
    let user = store.user("admin").unwrap().unwrap();
    let token = api_token();
    let scopes: PermissionSet = "findings:read".parse().unwrap();
    store
        .add_token(user.key, "admin", "test", &token_hash(&token), scopes, 1)
        .unwrap();
    let browser = Browser::new(&centre);
    assert_eq!(
        browser.ask("/api/v1/findings", &token).await.0,
        StatusCode::OK
    );
    let (status, body) = browser.ask("/api/v1/sensors", &token).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("sensors:read"), "{body}");
    let key = store.tokens(user.key).unwrap()[0].key;
    store.revoke_token(user.key, "admin", key).unwrap();
    assert_eq!(
        browser.ask("/api/v1/findings", &token).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        browser.ask("/api/v1/findings", "guess").await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn an_account_changes_its_language_and_makes_tokens() {
    let centre = TestCentre::new();
    let mut browser = Browser::signed_in(&centre).await;
    let token = form_token(&browser.get("/account").await.body);
    let chosen = browser
        .post(
            "/account/language",
            &format!("form_token={token}&language=ar"),
        )
        .await;
    assert_eq!(chosen.status, StatusCode::SEE_OTHER);
    let page = browser.get("/account").await;
    assert!(
        page.body.contains("lang=\"ar\" dir=\"rtl\""),
        "{}",
        page.body
    );
    let made = browser
        .post(
            "/account/tokens",
            &format!("form_token={token}&name=script&scopes=findings%3Aread&days=7"),
        )
        .await;
    assert!(made.status == StatusCode::OK && made.body.contains("lapwing_"));
    let refused = browser
        .post(
            "/account/tokens",
            "form_token=x&name=a&scopes=findings%3Aread&days=7",
        )
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
