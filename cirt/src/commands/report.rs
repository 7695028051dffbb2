//! `lapwing-cirt report`: HTML by ourselves, PDF by Debian's Chromium.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lapwing_cirt::language::Language;
use lapwing_cirt::output::line;
use lapwing_cirt::query::Scope;
use lapwing_cirt::report::{Period, Report, Stretch};
use lapwing_cirt::web::report_document;

use super::Data;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    #[arg(long, value_enum, default_value_t = PeriodName::Weekly)]
    period: PeriodName,
    /// Day after the last one, UTC; today unless told otherwise
    #[arg(long, value_name = "DATE")]
    end: Option<Date>,
    /// Of this provider or sector only
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// en, fr, es, pt, ar or ru
    #[arg(long, default_value = "en")]
    language: String,
    /// Where to write it: .html, or .pdf (needs chromium)
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PeriodName {
    Weekly,
    Monthly,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let period = match arguments.period {
        PeriodName::Weekly => Period::Weekly,
        PeriodName::Monthly => Period::Monthly,
    };
    let end = arguments
        .end
        .unwrap_or_else(|| now.to_zoned(TimeZone::UTC).date());
    let stretch = Stretch::ending(period, end).context("the calendar does not reach that far")?;
    let language = Language::from_tag(&arguments.language)
        .with_context(|| format!("{:?} is none of en, fr, es, pt, ar, ru", arguments.language))?;
    let (_, settings, store) = arguments.data.open()?;
    let tenants = store.tenants(Scope::Nation)?;
    let tenant = match &arguments.tenant {
        None => None,
        Some(name) => Some(
            tenants
                .iter()
                .find(|tenant| tenant.name == *name)
                .with_context(|| format!("there is no tenant {name:?}"))?,
        ),
    };
    let scope = tenant.map_or(Scope::Nation, |tenant| Scope::Tenant(tenant.key));
    let report = Report::build(&store, scope, stretch, now)?;
    let subject = tenant.map(|tenant| tenant.title.as_str());
    let html = report_document(
        settings.name.as_str(),
        &report,
        subject,
        period,
        language,
        now,
    )
    .context("cannot write the report")?;
    let output = &arguments.output;
    if output
        .extension()
        .is_some_and(|extension| extension == "pdf")
    {
        print_pdf(&html, output)?;
    } else {
        std::fs::write(output, html)
            .with_context(|| format!("cannot write {}", output.display()))?;
    }
    Ok(line(&format!(
        "{}: {} findings from {} to {}",
        output.display(),
        report.activity.findings,
        stretch.first,
        stretch.end
    ))?)
}

/// Lets Chromium, without network and profile, print the file.
fn print_pdf(html: &str, output: &Path) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("lapwing-report-{}", std::process::id()));
    std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let page = folder.join("report.html");
    let target = std::path::absolute(output).context("no such folder")?;
    let printed = std::fs::write(&page, html)
        .context("cannot write the page")
        .and_then(|()| {
            Command::new("chromium")
                .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"])
                .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--disable-javascript"])
                .arg(format!("--user-data-dir={}", folder.join("profile").display()))
                .arg(format!("--print-to-pdf={}", target.display()))
                .arg(&page)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .context("cannot start chromium: apt-get install chromium, or write .html and print that")
        });
    std::fs::remove_dir_all(&folder).ok();
    if !printed?.success() || !target.exists() {
        bail!("chromium did not write {}", output.display());
    }
    Ok(())
}
