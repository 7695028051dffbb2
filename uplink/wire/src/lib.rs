//! The one definition of what crosses the network, for both ends.
