//! What a direction said before its protocol was known.

/// Bytes that no parser has seen yet, and how many are missing behind them. One word where there are none, which is nearly
/// always so.
#[derive(Debug, Default)]
pub(super) struct Held(Option<Box<Waiting>>);

/// The same, where there is something.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) bytes: Vec<u8>,
    pub(super) missing_bytes: u64,
}

impl Held {
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let waiting = (!bytes.is_empty()).then_some(Waiting {
            bytes,
            missing_bytes: 0,
        });
        Self(waiting.map(Box::new))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0
            .as_ref()
            .map_or(&[], |waiting| waiting.bytes.as_slice())
    }

    pub(super) fn missing_bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, |waiting| waiting.missing_bytes)
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            let waiting = self.0.get_or_insert_default();
            waiting.bytes.extend_from_slice(bytes);
        }
    }

    /// More bytes are missing behind what is held.
    pub(super) fn miss(&mut self, bytes: u64) {
        let waiting = self.0.get_or_insert_default();
        waiting.missing_bytes = waiting.missing_bytes.saturating_add(bytes);
    }

    /// Gives what waited; nothing does any more.
    pub(super) fn take(&mut self) -> Waiting {
        self.0
            .take()
            .map_or_else(Waiting::default, |waiting| *waiting)
    }

    pub(super) fn clear_bytes(&mut self) {
        if let Some(waiting) = &mut self.0 {
            waiting.bytes = Vec::new();
        }
    }

    /// Bytes of memory outside of the flow.
    pub(super) fn held_bytes(&self) -> usize {
        self.0
            .as_ref()
            .map_or(0, |waiting| size_of::<Waiting>() + waiting.bytes.capacity())
    }
}
