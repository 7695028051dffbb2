//! The centre's pages in a real browser: Chromium without a window, driven over WebDriver.
//!
//! The findings in them came the whole way: traffic, sensor, uplink, centre. Screenshots are left in the target folder,
//! under `screenshots`. Without Chromium the test says so and passes; `make test` installs it.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use lapwing_tests::cases::starter_rules;
use lapwing_tests::centre::Centre;
use lapwing_tests::conditions::wait_for;
use lapwing_tests::processes::{Process, run};
use lapwing_tests::programs::program;
use lapwing_tests::site::Site;
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};
use lapwing_tests::traffic::scenario_file::START_SECONDS;

const SENSOR: &str = "north-exchange";
const PATIENCE: Duration = Duration::from_secs(60);

fn is_installed(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

/// A centre that has stored the findings of the demonstration's incidents.
fn centre_with_findings(folder: &Path) -> Result<Centre> {
    let site = Site::prepare(folder, SENSOR)?;
    site.compile_rules()?;
    site.sign_policy()?;
    let mut centre = Centre::init(folder)?;
    centre.import_rules(&starter_rules()?)?;
    run(centre
        .command("tenant")
        .args(["add", "north", "--title", "North Net"]))?;
    centre.start()?;
    site.enrol(&centre.voucher(SENSOR)?)?;
    let capture = folder.join("incidents.pcap");
    // Of the last hour: what has been silent for long is ranked lower.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let shift_seconds = now.as_secs() - 3_600 - START_SECONDS;
    let mut trace = demo::make(1, Part::Incidents);
    trace.shift(shift_seconds * 1_000_000_000);
    let mut bytes = Vec::new();
    capture_file::write(&trace, FileFormat::Pcap, &mut bytes)?;
    std::fs::create_dir(folder.join("centre/captures"))?;
    std::fs::write(folder.join("centre/captures/incidents.pcap"), &bytes)?;
    std::fs::write(&capture, bytes)?;
    site.run_sensor(&capture)?;
    let mut uplink = site.start_uplink()?;
    wait_for("findings at the centre", PATIENCE, || {
        uplink.must_run()?;
        let status = site.outbox()?;
        let books = centre.books(SENSOR)?;
        Ok((books.findings > 0 && books.stored == status.produced_records).then_some(()))
    })?;
    run(centre
        .command("sensors")
        .args(["place", SENSOR, "--tenant", "north"]))?;
    Ok(centre)
}

/// Starts the driver on a free port and a browser under it.
async fn browser(folder: &Path) -> Result<(Process, Client)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut driver = Process::start(
        "chromedriver",
        Command::new("chromedriver").arg(format!("--port={port}")),
        folder,
    )?;
    let capabilities = serde_json::json!({
        "acceptInsecureCerts": true,
        "goog:chromeOptions": {
            "args": [
                "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                "--window-size=1280,1000", format!("--user-data-dir={}", folder.join("browser").display()),
            ],
        },
    });
    let serde_json::Value::Object(capabilities) = capabilities else {
        unreachable!("an object was written")
    };
    wait_for("chromedriver to listen", PATIENCE, || {
        driver.must_run()?;
        Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok())
    })?;
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities)
        .connect(&format!("http://127.0.0.1:{port}"))
        .await
        .context("the browser does not start")?;
    Ok((driver, client))
}

/// The target folder of this build.
fn target() -> PathBuf {
    let program = program("lapwing");
    program.parent().unwrap().parent().unwrap().to_owned()
}

async fn screenshot(client: &Client, name: &str) -> Result<()> {
    let folder = target().join("screenshots");
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(
        folder.join(format!("{name}.png")),
        client.screenshot().await?,
    )?)
}

/// Does something once more for as long as what it had in hand was taken off the page meanwhile: a page that changes
/// under a person's hand she looks at again.
async fn steadily<T>(mut act: impl AsyncFnMut() -> Result<T, CmdError>) -> Result<T, CmdError> {
    let end = Instant::now() + PATIENCE;
    loop {
        match act().await {
            Err(error) if error.is_stale_element_reference() && Instant::now() < end => {}
            done => return done,
        }
    }
}

/// Waits for an element and does something with it.
async fn with_element<T>(
    client: &Client,
    selector: &str,
    mut act: impl AsyncFnMut(Element) -> Result<T, CmdError>,
) -> Result<T> {
    steadily(async || {
        let waiting = client.wait().at_most(PATIENCE);
        act(waiting.for_element(Locator::Css(selector)).await?).await
    })
    .await
    .with_context(|| format!("{selector} on the page"))
}

async fn text(client: &Client, selector: &str) -> Result<String> {
    with_element(client, selector, async |element| element.text().await).await
}

async fn write(client: &Client, selector: &str, text: &str) -> Result<()> {
    with_element(client, selector, async |element| {
        element.send_keys(text).await
    })
    .await
}

async fn choose(client: &Client, selector: &str, value: &str) -> Result<()> {
    with_element(client, selector, async |element| {
        element.select_by_value(value).await
    })
    .await
}

async fn rows(client: &Client) -> Result<Vec<String>> {
    Ok(steadily(async || {
        let mut texts = Vec::new();
        let rows = Locator::Css("table.findings tbody tr");
        for row in client.find_all(rows).await? {
            texts.push(row.text().await?);
        }
        Ok(texts)
    })
    .await?)
}

/// Checks a page as it stands against WCAG 2.2, levels A and AA, and keeps a picture of it.
async fn examine(client: &Client, name: &str) -> Result<()> {
    screenshot(client, name).await?;
    let axe = target().join("axe-core-4.14.1/axe.min.js");
    let Ok(axe) = std::fs::read_to_string(axe) else {
        eprintln!(
            "{name}: accessibility not checked: axe-core is not installed; tools/setup fetches it"
        );
        return Ok(());
    };
    client.execute(&axe, Vec::new()).await?;
    let found = client
        .execute_async(
            "const done = arguments[0];
             axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
                .then(result => done(result.violations.map(violation =>
                    violation.id + ': ' + violation.nodes.map(node => node.html + ' ' + node.failureSummary).join(' | '))),
                    error => done(['axe failed: ' + error]));",
            Vec::new(),
        )
        .await?;
    let violations = found.as_array().cloned().unwrap_or_default();
    ensure!(violations.is_empty(), "{name}: {violations:#?}");
    Ok(())
}

async fn open(client: &Client, centre: &Centre, path: &str) -> Result<String> {
    client.goto(&format!("{}{path}", centre.page())).await?;
    text(client, "main").await
}

/// What an analyst does in her first five minutes.
async fn visit(client: &Client, centre: &Centre) -> Result<()> {
    // Nobody gets in without a login, nor with a wrong one.
    client.goto(&format!("{}findings", centre.page())).await?;
    ensure!(
        client.current_url().await?.path() == "/login",
        "findings without a login"
    );
    examine(client, "login").await?;
    log_in(client, &centre.user, "not the password").await?;
    ensure!(
        text(client, ".notice.bad").await?.len() > 5,
        "a wrong password is not told"
    );
    log_in(client, &centre.user, &centre.password).await?;
    let count = text(client, ".count").await?;
    examine(client, "findings").await?;

    // All incidents are there.
    let all = rows(client).await?;
    ensure!(all.len() >= 8, "{count}: {all:?}");
    for expected in [
        "malware.example",
        "gate.botnet.example",
        "203.0.113.99",
        SENSOR,
    ] {
        ensure!(
            all.iter().any(|row| row.contains(expected)),
            "no row has {expected}: {all:?}"
        );
    }

    // A line of the query language leaves only one rule; the server helps to write it.
    write(client, "#q", "sensor:nor").await?;
    client
        .wait()
        .at_most(PATIENCE)
        .for_element(Locator::Css(
            "#completions option[value='sensor:north-exchange']",
        ))
        .await?;
    with_element(client, "#q", async |query| query.clear().await).await?;
    write(client, "#q", "rule:9000200 severity:high").await?;
    click(client, "form.query .search button").await?;
    client
        .wait()
        .at_most(PATIENCE)
        .for_element(Locator::Css(".chips li"))
        .await?;
    let filtered = rows(client).await?;
    ensure!(
        !filtered.is_empty() && filtered.len() < all.len(),
        "{} of {}",
        filtered.len(),
        all.len()
    );
    ensure!(
        filtered.iter().all(|row| row.contains("malware.example")),
        "{filtered:?}"
    );

    // One finding, opened by the keyboard.
    write(client, "body", "j").await?;
    client.active_element().await?.send_keys("\u{e007}").await?;
    client
        .wait()
        .at_most(PATIENCE)
        .for_element(Locator::Css("#facts"))
        .await?;
    let page = text(client, "main").await?;
    examine(client, "finding").await?;
    for expected in [
        "DNS query for a listed domain",
        "update-check.malware.example",
        "9000200",
        "withheld",
        "Who else saw",
    ] {
        ensure!(
            page.contains(expected),
            "the finding does not say {expected}: {page}"
        );
    }
    ensure!(
        !page.contains("10.20."),
        "a subscriber's address came out: {page}"
    );
    work(client, centre).await?;

    // The other pages, each as it should be.
    for (path, name, expected) in [
        ("sensors", "sensors", "balance"),
        ("sensors/north-exchange", "sensor", "Key fingerprint"),
        ("summary", "overview", "North Net"),
        ("reports", "report", "What mattered"),
        ("rules", "rules", "Which sensor runs what"),
        ("users", "users", "administrator"),
        ("account", "account", "authenticator"),
        ("audit", "audit", "none was changed"),
        ("cases", "cases", "Botnet of March"),
        ("suppressions", "suppressions", "Nothing is dropped"),
        ("alarms", "alarms", "Who is told"),
    ] {
        let page = open(client, centre, path).await?;
        ensure!(
            page.contains(expected),
            "{path} does not say {expected}: {page}"
        );
        examine(client, name).await?;
    }
    questions(client, centre).await?;
    rules_desk(client, centre).await?;
    in_other_ways(client, centre).await?;

    // And out again.
    click(client, "form.who button").await?;
    client
        .wait()
        .at_most(PATIENCE)
        .for_element(Locator::Css("#password"))
        .await?;
    client.goto(&format!("{}sensors", centre.page())).await?;
    ensure!(
        client.current_url().await?.path() == "/login",
        "sensors after signing out"
    );
    Ok(())
}

/// A question in SQL: one of the examples, one of her own, and one that is refused and stays to be mended.
async fn questions(client: &Client, centre: &Centre) -> Result<()> {
    open(client, centre, "findings").await?;
    click(client, ".head a[href='/sql']").await?;
    text(client, "#question").await?;
    click(client, "main ul li:nth-child(3) a").await?;
    let answer = text(client, "table.answer").await?;
    ensure!(answer.contains("DNS query for a listed domain"), "{answer}");
    examine(client, "sql").await?;
    let ask = async |question: &str| -> Result<String> {
        with_element(client, "#question", async |field| field.clear().await).await?;
        write(client, "#question", question).await?;
        click(client, "form[action='/sql'] button").await?;
        text(client, "main").await
    };
    let page = ask("SELECT sensor, count(*) AS seen FROM finding GROUP BY sensor").await?;
    ensure!(page.contains(SENSOR) && page.contains("1 row"), "{page}");
    let page = ask("DELETE FROM finding").await?;
    ensure!(
        page.contains("DELETE FROM finding"),
        "the question is gone: {page}"
    );
    ensure!(!text(client, ".notice.bad").await?.is_empty(), "{page}");
    let audit = open(client, centre, "audit").await?;
    ensure!(audit.contains("sql.ask"), "{audit}");
    Ok(())
}

/// The inbox: a case is opened, a group taken, commented, put into the case and closed.
async fn work(client: &Client, centre: &Centre) -> Result<()> {
    open(client, centre, "cases").await?;
    let form = client
        .form(Locator::Css("form.inline[action='/cases']"))
        .await?;
    form.set_by_name("title", "Botnet of March").await?;
    click(client, "form.inline[action='/cases'] button").await?;
    let page = open(client, centre, "inbox").await?;
    ensure!(
        page.contains("Infected subscribers calling out")
            && page.contains("of subscribers that call out"),
        "{page}"
    );
    examine(client, "inbox").await?;
    click(client, ".group h3 a").await?;
    text(client, "#comment").await?;
    click(client, "button[value=take]").await?;
    write(client, "#comment", "Asked North Net for the subscriber.").await?;
    click(client, "button[value=comment]").await?;
    text(client, ".timeline li.comment").await?;
    with_element(client, "#merge", async |merge| {
        merge.select_by_index(1).await
    })
    .await?;
    click(client, "form:has(#merge) button").await?;
    text(client, ".timeline li.merged").await?;
    examine(client, "group").await?;
    let page = text(client, "main").await?;
    for expected in [
        "Asked North Net",
        "What to do first",
        "North Net",
        "assigned",
    ] {
        ensure!(
            page.contains(expected),
            "the group does not say {expected}: {page}"
        );
    }
    click(client, "button[value=close]").await?;
    text(client, ".timeline li.closed").await?;
    let page = open(client, centre, "inbox?view=closed").await?;
    ensure!(page.contains("closed 2"), "{page}");
    Ok(())
}

/// A draft with one good rule and one bad, run over the capture that the centre keeps.
async fn rules_desk(client: &Client, centre: &Centre) -> Result<()> {
    open(client, centre, "rules").await?;
    write(
        client,
        "#draft",
        "alert dns any any -> any any (msg:\"DRAFT lookup\"; dns.query; content:\"malware.example\"; sid:9990001; rev:1;)\n\
         alert tcp any any -> any any (msg:\"BAD\"; sid:x;)",
    )
    .await?;
    click(client, "button[value=check]").await?;
    let result = text(client, "section[aria-labelledby=result]").await?;
    for expected in ["DRAFT lookup", "new", "incidents.pcap"] {
        ensure!(
            result.contains(expected),
            "the draft's result does not say {expected}: {result}"
        );
    }
    let alerts = text(
        client,
        "section[aria-labelledby=result] table tbody tr td.number",
    )
    .await?;
    ensure!(
        alerts.parse::<u32>()? > 0,
        "the draft finds nothing: {result}"
    );
    examine(client, "rules-draft").await
}

/// Right to left, and on a phone.
async fn in_other_ways(client: &Client, centre: &Centre) -> Result<()> {
    for (language, word) in [
        ("ar", "الوارد"),
        ("ru", "Входящие"),
        ("fr", "Boîte de réception"),
    ] {
        open(client, centre, "account").await?;
        choose(client, "#language-choice", language).await?;
        click(client, "form[action='/account/language'] button").await?;
        client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(&format!("html[lang={language}]")))
            .await?;
        let page = open(client, centre, "inbox").await?;
        ensure!(page.contains(word), "{language}: {page}");
        examine(client, &format!("inbox-{language}")).await?;
    }
    open(client, centre, "account").await?;
    choose(client, "#language-choice", "en").await?;
    click(client, "form[action='/account/language'] button").await?;
    client
        .wait()
        .at_most(PATIENCE)
        .for_element(Locator::Css("html[lang=en]"))
        .await?;
    client.set_window_size(390, 844).await?;
    for name in ["inbox", "findings", "sensors"] {
        open(client, centre, name).await?;
        examine(client, &format!("{name}-phone")).await?;
    }
    client.set_window_size(1280, 1000).await?;
    Ok(())
}

async fn click(client: &Client, selector: &str) -> Result<()> {
    with_element(client, selector, async |element| element.click().await).await
}

async fn log_in(client: &Client, user: &str, password: &str) -> Result<()> {
    let form = client.form(Locator::Css("form[action='/login']")).await?;
    form.set_by_name("user", user).await?;
    form.set_by_name("password", password).await?;
    click(client, "form[action='/login'] button").await
}

#[test]
fn an_analyst_finds_her_way() {
    if !is_installed("chromedriver") || !is_installed("chromium") {
        eprintln!(
            "skipped: chromium and chromedriver are not installed; tools/setup installs them"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let centre = centre_with_findings(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(async {
            let (_driver, client) = browser(folder.path()).await?;
            let visited = visit(&client, &centre).await;
            if visited.is_err() {
                screenshot(&client, "failure").await?;
            }
            client.close().await?;
            visited
        })
        .unwrap();
}
