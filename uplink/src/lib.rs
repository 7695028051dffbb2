//! Carries batches from the outbox to the centre over TLS.
