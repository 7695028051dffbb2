use lapwing_sensor::{capture::*, decode::Packet, detect::Alert, flow::*, pipeline::*};
use std::collections::BTreeMap;
struct Look {
    events: BTreeMap<String, u64>,
    dump: bool,
    n: u64,
}
impl Inspector for Look {
    fn inspect(
        &mut self,
        p: &Packet<'_>,
        _f: Option<&mut Flow>,
        _w: Option<StreamWindow<'_>>,
        _a: &mut Vec<Alert>,
    ) {
        for e in &p.events {
            *self.events.entry(e.to_string()).or_default() += 1;
            if self.dump {
                println!("{} {:?} {:?} {}", p.time.0, p.origin, p.ends(), e);
            }
        }
        if self.dump && std::env::var("ALL").is_ok() {
            println!(
                "{} {:?} {:?} dir {:?} est {} in {} len {} win {:?} {:?}",
                p.time.0,
                p.origin,
                p.ends(),
                p.direction,
                p.is_established,
                p.is_in_stream,
                p.payload.len(),
                _w.map(|w| (w.offset, w.bytes.len())),
                p.events
            );
        }
        self.n += 1;
        if let Some(parser) = _f.and_then(|flow| flow.app.parser_mut()) {
            let end = parser.transactions().end;
            parser.release(end.saturating_sub(1));
        }
    }
    fn forget(&mut self) {
        self.events.clear();
    }
}
struct No;
impl AlertSink for No {
    fn alert(&mut self, _: &Alert) {}
}
fn main() {
    let dump = std::env::var("DUMP").is_ok();
    for path in std::env::args().skip(1) {
        let mut pl = Pipeline::new(
            Look {
                events: BTreeMap::new(),
                dump,
                n: 0,
            },
            PipelineSettings::default(),
        );
        let Ok(mut s) = CaptureFile::open(path.as_ref()) else {
            println!("{path}\tUNREADABLE");
            continue;
        };
        loop {
            match s.next() {
                Ok(SourceEvent::Frame(f)) => pl.frame(&f, &mut No),
                Ok(SourceEvent::Idle) => {}
                _ => break,
            }
        }
        pl.finish(&mut No);
        let ev = pl
            .inspector()
            .events
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect::<Vec<_>>()
            .join(" ");
        println!("{path}\t{ev}");
    }
}
