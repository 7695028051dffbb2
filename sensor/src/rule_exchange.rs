//! New rules for running workers: made ready beside them, exchanged between two frames, one worker after the other.
//!
//! A worker never waits for a pack. It looks into its inlet now and then, exchanges its detector for the one it finds there, and
//! gives the old one back; who sent the new one lets the old one go. So at no time are there more detectors than workers and one,
//! and the old pack is unmapped when the last worker has given it back.

use std::{sync::Arc, time::Duration};

use crossbeam_channel::{Receiver, Sender, bounded};
use lapwing_rules::pack::Pack;

use crate::{
    detect::{Detector, Renumbering, Restriction, SharedState},
    pipeline::Pipeline,
};

/// How long a worker may take to look into its inlet: it looks about every 64 frames, and a few times a second when idle.
const WORKER_PATIENCE: Duration = Duration::from_secs(10);

/// A detector on its way to a worker.
#[derive(Debug)]
struct Exchange {
    detector: Box<Detector>,
    renumbering: Arc<Renumbering>,
}

/// A worker's end.
#[derive(Debug)]
pub struct RuleInlet {
    incoming: Receiver<Exchange>,
    outgoing: Sender<Box<Detector>>,
}

impl RuleInlet {
    /// Exchanges the rules of a pipeline if there are new ones.
    pub fn look(&self, pipeline: &mut Pipeline<Detector>) {
        if let Ok(exchange) = self.incoming.try_recv() {
            let before = pipeline.exchange(exchange.detector, &exchange.renumbering);
            // Where nobody waits for it any more it is let go here.
            drop(self.outgoing.try_send(before));
        }
    }
}

/// Why new rules were not taken by all workers.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// A worker is gone or hangs.
    #[error("worker {worker} did not take the new rules")]
    Worker { worker: usize },
}

/// The end of who has new rules.
#[derive(Debug)]
pub struct RuleOutlet {
    pack: Arc<Pack>,
    restriction: Arc<Restriction>,
    regex_cache_bytes: usize,
    shared: SharedState,
    workers: Vec<(Sender<Exchange>, Receiver<Box<Detector>>)>,
}

impl RuleOutlet {
    /// For workers that begin with a pack; each gets its inlet and its first detector.
    #[must_use]
    pub fn new(
        pack: Arc<Pack>,
        restriction: Arc<Restriction>,
        workers: usize,
        regex_cache_bytes: usize,
    ) -> (Self, Vec<(RuleInlet, Detector)>) {
        let mut outlet = Self {
            pack,
            restriction,
            regex_cache_bytes,
            shared: SharedState::default(),
            workers: Vec::with_capacity(workers),
        };
        let inlets = (0..workers)
            .map(|_| {
                let (send, incoming) = bounded(1);
                let (outgoing, returned) = bounded(1);
                outlet.workers.push((send, returned));
                (
                    RuleInlet { incoming, outgoing },
                    outlet.detector(&outlet.pack),
                )
            })
            .collect();
        (outlet, inlets)
    }

    /// The pack that runs.
    #[must_use]
    pub fn pack(&self) -> &Arc<Pack> {
        &self.pack
    }

    /// Gives a pack, with what the site's policy takes away from it, to all workers, and waits until they run it.
    ///
    /// # Errors
    /// [`ExchangeError`]; the workers before that one run the new pack.
    pub fn exchange(
        &mut self,
        pack: Arc<Pack>,
        restriction: Arc<Restriction>,
    ) -> Result<(), ExchangeError> {
        self.restriction = restriction;
        let renumbering = Arc::new(Renumbering::between(&self.pack, &pack));
        // What was compared is not looked at again: it must not count twice while both packs are mapped.
        self.pack.release_pages();
        pack.release_pages();
        for (worker, (send, returned)) in self.workers.iter().enumerate() {
            let exchange = Exchange {
                detector: Box::new(self.detector(&pack)),
                renumbering: Arc::clone(&renumbering),
            };
            pack.release_pages();
            let gone = ExchangeError::Worker { worker };
            if send.send_timeout(exchange, WORKER_PATIENCE).is_err() {
                return Err(gone);
            }
            drop(returned.recv_timeout(WORKER_PATIENCE).map_err(|_| gone)?);
        }
        self.pack = pack;
        self.pack.release_pages();
        Ok(())
    }

    fn detector(&self, pack: &Arc<Pack>) -> Detector {
        Detector::sharing(Arc::clone(pack), self.regex_cache_bytes, &self.shared)
            .restricted(Arc::clone(&self.restriction))
    }
}

#[cfg(test)]
mod tests {
    use lapwing_rules::{Settings, compile, source::Source};

    use super::*;
    use crate::{
        capture::{CapturedFrame, LinkType},
        detect::Alert,
        pipeline::{AlertSink, PipelineSettings},
        time::Timestamp,
    };

    fn pack(rules: &str) -> Arc<Pack> {
        let source = Source {
            name: "test".into(),
            bytes: rules.as_bytes().to_vec(),
        };
        let compiled = compile(&[source], &Settings::default());
        assert_eq!(compiled.counts.refused, 0, "{:?}", compiled.diagnostics);
        Arc::new(Pack::from_bytes(compiled.pack).unwrap())
    }

    /// An Ethernet frame with a UDP datagram from 192.0.2.1 to 198.51.100.1.
    fn datagram(text: &str) -> Vec<u8> {
        let length = u8::try_from(28 + text.len()).unwrap();
        let mut bytes = vec![0; 12];
        bytes.extend([8, 0, 0x45, 0, 0, length, 0, 0, 0, 0, 64, 17, 0, 0]);
        bytes.extend([192, 0, 2, 1, 198, 51, 100, 1]);
        bytes.extend([0x10, 0, 0x20, 0, 0, length - 20, 0, 0]);
        bytes.extend(text.as_bytes());
        bytes
    }

    #[derive(Default)]
    struct Signatures(Vec<u32>);

    impl AlertSink for Signatures {
        fn alert(&mut self, alert: &Alert) {
            self.0.push(alert.rule.sid);
        }
    }

    /// What fires for these datagrams when the second pack takes over after the first of them.
    fn fired(before: &str, after: &str, datagrams: &[&str]) -> Vec<u32> {
        let (mut outlet, mut workers) = RuleOutlet::new(pack(before), Arc::default(), 1, 1 << 20);
        let (inlet, detector) = workers.pop().unwrap();
        let mut pipeline = Pipeline::new(detector, PipelineSettings::default());
        let mut found = Signatures::default();
        for (at, text) in (0_u64..).zip(datagrams) {
            if at == 1 {
                let next = pack(after);
                std::thread::scope(|scope| {
                    let exchange = scope.spawn(|| outlet.exchange(next, Arc::default()).unwrap());
                    while !exchange.is_finished() {
                        inlet.look(&mut pipeline);
                    }
                });
            }
            let bytes = datagram(text);
            let frame = CapturedFrame {
                time: Timestamp(at * 1_000_000),
                link_type: LinkType::Ethernet,
                wire_length_bytes: u32::try_from(bytes.len()).unwrap(),
                bytes: &bytes,
            };
            pipeline.frame(&frame, &mut found);
        }
        assert_eq!(pipeline.counters().decode.frames, datagrams.len() as u64);
        assert_eq!(pipeline.counters().flow.created, 1);
        found.0
    }

    const SETS: &str = r#"alert udp any any -> any any (msg:"a"; content:"one"; flowbits:set,seen; xbits:set,host,track ip_src,expire 60; sid:1; rev:1;)"#;

    #[test]
    fn bits_of_flows_and_hosts_go_on_by_name_though_numbers_change() {
        let after = r#"alert udp any any -> any any (msg:"z"; content:"nothing"; flowbits:set,other; sid:9; rev:1;)
alert udp any any -> any any (msg:"y"; content:"nothing"; xbits:set,another,track ip_src; sid:8; rev:1;)
alert udp any any -> any any (msg:"b"; content:"two"; flowbits:isset,other; sid:2; rev:1;)
alert udp any any -> any any (msg:"c"; content:"two"; flowbits:isset,seen; sid:3; rev:1;)
alert udp any any -> any any (msg:"d"; content:"two"; xbits:isset,host,track ip_src; sid:4; rev:1;)
alert udp any any -> any any (msg:"e"; content:"two"; xbits:isset,another,track ip_src; sid:5; rev:1;)"#;
        let mut found = fired(SETS, after, &["one", "two"]);
        found.sort_unstable();
        assert_eq!(found, [1, 3, 4]);
    }

    #[test]
    fn limits_of_alerts_go_on_for_the_same_rule() {
        let limited = r#"alert udp any any -> any any (msg:"a"; content:"one"; threshold:type limit,track by_src,count 1,seconds 60; sid:1; rev:1;)"#;
        let after = format!(
            "alert udp any any -> any any (msg:\"new\"; content:\"one\"; sid:7; rev:1;)\n{limited}"
        );
        assert_eq!(fired(limited, &after, &["one", "one", "one"]), [1, 7, 7]);
    }

    #[test]
    fn a_rule_that_is_gone_fires_no_more() {
        let after = r#"alert udp any any -> any any (msg:"c"; content:"two"; flowbits:isset,seen; sid:3; rev:1;)"#;
        assert_eq!(fired(SETS, after, &["one", "one", "two"]), [1, 3]);
    }
}
