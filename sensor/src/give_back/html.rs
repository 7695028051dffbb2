//! Sightings on one page for people: by subscriber, the gravest first. No script, nothing loaded from elsewhere.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Sighting, export::time};

/// Subscribers on one page; the others stand in the CSV.
const MAX_SUBSCRIBERS: usize = 5_000;

/// The page.
#[must_use]
pub fn html(
    sightings: &[Sighting],
    site: &str,
    (from, to): (u64, u64),
    message: impl Fn(&str) -> String,
) -> String {
    let mut by_subscriber = BTreeMap::<IpAddr, Vec<&Sighting>>::new();
    for sighting in sightings {
        by_subscriber
            .entry(sighting.subscriber)
            .or_default()
            .push(sighting);
    }
    let mut subscribers: Vec<_> = by_subscriber.into_iter().collect();
    let gravest = |all: &[&Sighting]| all.iter().map(|sighting| sighting.severity).min();
    let hits = |all: &[&Sighting]| all.iter().map(|sighting| sighting.count).sum::<u64>();
    subscribers
        .sort_by_key(|(address, all)| (gravest(all), std::cmp::Reverse(hits(all)), *address));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{site}: subscribers with findings</title>\
         <style>body{{font:1rem/1.4 sans-serif;margin:1rem}}table{{border-collapse:collapse;width:100%}}\
         th,td{{border:1px solid #999;padding:.3rem .5rem;text-align:left;vertical-align:top}}th{{background:#eee}}</style></head>\n\
         <body><h1>{site}: subscribers with findings</h1>\n<p>{from} to {to}. {count} addresses. These are your own subscribers' \
         addresses in clear: this page is for you and never leaves your network.</p>\n\
         <table><thead><tr><th>Address</th><th>Severity</th><th>What</th><th>How often</th><th>First</th><th>Last</th><th>Other end</th></tr></thead><tbody>\n",
        site = escaped(site),
        from = time(from),
        to = time(to),
        count = subscribers.len(),
    );
    for (address, all) in subscribers.iter().take(MAX_SUBSCRIBERS) {
        for (at, sighting) in all.iter().enumerate() {
            let head = if at == 0 {
                format!(
                    "<th scope=\"rowgroup\" rowspan=\"{}\">{address}</th>",
                    all.len()
                )
            } else {
                String::new()
            };
            let name = sighting
                .name
                .as_deref()
                .map(|name| format!("<br>{}", escaped(name)));
            page.push_str(&format!(
                "<tr>{head}<td>{}</td><td>{}<br><small>{}</small></td><td>{}</td><td>{}</td><td>{}</td><td>{} port {}{}</td></tr>\n",
                sighting.severity,
                escaped(&message(&sighting.rule)),
                escaped(&sighting.rule),
                sighting.count,
                time(sighting.first),
                time(sighting.last),
                sighting.other,
                sighting.other_port,
                name.unwrap_or_default(),
            ));
        }
    }
    page.push_str("</tbody></table></body></html>\n");
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_comes_first_and_nothing_is_markup() {
        let sighting = |subscriber: &str, severity| Sighting {
            subscriber: subscriber.parse().unwrap(),
            port: 1,
            other: "203.0.113.9".parse().unwrap(),
            other_port: 443,
            rule: "1:2:3".to_owned(),
            severity,
            first: 0,
            last: 0,
            count: 1,
            name: Some("<script>".to_owned()),
        };
        let all = [sighting("10.0.0.1", 3), sighting("10.0.0.2", 1)];
        let page = html(&all, "a & b", (0, 1), |_| "<b>".to_owned());
        assert!(page.find("10.0.0.2") < page.find("10.0.0.1"));
        assert!(page.contains("a &amp; b") && page.contains("&lt;script&gt;"));
        assert!(!page.contains("<script") && !page.contains("<b>"));
    }
}
