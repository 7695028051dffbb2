//! The centre's pages in a real browser: Chromium without a window, driven over WebDriver.
//!
//! The findings in them came the whole way: traffic, sensor, uplink, centre. Screenshots are left in the target folder,
//! under `screenshots`. Without Chromium the test says so and passes; `make test` installs it.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use lapwing_tests::cases::starter_rules;
use lapwing_tests::centre::Centre;
use lapwing_tests::conditions::wait_for;
use lapwing_tests::processes::Process;
use lapwing_tests::programs::program;
use lapwing_tests::site::Site;
use lapwing_tests::traffic::capture_file::{self, FileFormat};
use lapwing_tests::traffic::demo::{self, Part};

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
    centre.start()?;
    site.enrol(&centre.voucher(SENSOR)?)?;
    let capture = folder.join("incidents.pcap");
    let mut bytes = Vec::new();
    capture_file::write(
        &demo::make(1, Part::Incidents),
        FileFormat::Pcap,
        &mut bytes,
    )?;
    std::fs::write(&capture, bytes)?;
    site.run_sensor(&capture)?;
    let mut uplink = site.start_uplink()?;
    wait_for("findings at the centre", PATIENCE, || {
        uplink.must_run()?;
        let status = site.outbox()?;
        let books = centre.books(SENSOR)?;
        Ok((books.findings > 0 && books.stored == status.produced_records).then_some(()))
    })?;
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

async fn screenshot(client: &Client, name: &str) -> Result<()> {
    let folder: PathBuf = program("lapwing")
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("screenshots");
    std::fs::create_dir_all(&folder)?;
    Ok(std::fs::write(
        folder.join(format!("{name}.png")),
        client.screenshot().await?,
    )?)
}

async fn text(client: &Client, selector: &str) -> Result<String> {
    let element = client
        .wait()
        .at_most(PATIENCE)
        .for_element(Locator::Css(selector))
        .await;
    Ok(element
        .with_context(|| format!("no {selector} on the page"))?
        .text()
        .await?)
}

async fn rows(client: &Client) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for row in client
        .find_all(Locator::Css("table.findings tbody tr"))
        .await?
    {
        texts.push(row.text().await?);
    }
    Ok(texts)
}

/// What an analyst does in his first five minutes.
async fn visit(client: &Client, centre: &Centre) -> Result<()> {
    // Nobody gets in without a login, nor with a wrong one.
    client.goto(&format!("{}findings", centre.page())).await?;
    ensure!(
        client.current_url().await?.path() == "/login",
        "findings without a login"
    );
    log_in(client, &centre.user, "not the password").await?;
    ensure!(
        text(client, ".notice.bad").await?.len() > 5,
        "a wrong password is not told"
    );
    log_in(client, &centre.user, &centre.password).await?;
    let count = text(client, ".count").await?;
    screenshot(client, "findings").await?;

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

    // A filter by rule leaves only that rule.
    let form = client.form(Locator::Css("form.filters")).await?;
    form.set_by_name("rule", "9000200").await?;
    client
        .find(Locator::Css("form.filters button[type=submit]"))
        .await?
        .click()
        .await?;
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

    // One finding, opened.
    client
        .find(Locator::Css("table.findings tbody tr a"))
        .await?
        .click()
        .await?;
    client
        .wait()
        .at_most(PATIENCE)
        .for_element(Locator::Css("#facts"))
        .await?;
    let page = text(client, "main").await?;
    screenshot(client, "finding").await?;
    for expected in [
        "DNS query for a listed domain",
        "update-check.malware.example",
        "9000200",
        "withheld",
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

    // The sensor and its books.
    client.goto(&format!("{}sensors", centre.page())).await?;
    let sensors = text(client, "main").await?;
    screenshot(client, "sensors").await?;
    ensure!(
        sensors.contains(SENSOR) && sensors.contains("balance"),
        "{sensors}"
    );

    // And out again.
    client
        .find(Locator::Css("form.who button"))
        .await?
        .click()
        .await?;
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

async fn log_in(client: &Client, user: &str, password: &str) -> Result<()> {
    let form = client.form(Locator::Css("form[action='/login']")).await?;
    form.set_by_name("user", user).await?;
    form.set_by_name("password", password).await?;
    Ok(client
        .find(Locator::Css("form[action='/login'] button"))
        .await?
        .click()
        .await?)
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
