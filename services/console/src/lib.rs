//! The dashboard: the fleet, live
