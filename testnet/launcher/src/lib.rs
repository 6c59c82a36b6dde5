//! Starts, watches, breaks and mends real node processes.
