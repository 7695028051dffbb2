//! The engine, and the edge program lapwing.
