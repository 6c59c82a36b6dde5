//! How RocksDB is set up: careful before fast, and small, since several replicas may share one laptop.
//!
//! Memory, roughly and at most: 32 MiB block cache (indexes and filters included), 64 MiB of write buffers over all tables,
//! and the scans under way. Disk: 64 MiB of write-ahead log and 16 MiB of its own messages beside the data.
//!
//! A table that grows at the end and is cut at the front needs no option for giving its disk back: a flushed file that holds
//! tombstones, of rows or of ranges, is merged with the files they cover. Written as fast as the disk takes it, such a table
//! takes up to three times what it keeps, and some seconds later as much as it keeps (`tests/suite/disk.rs`).

use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, LogLevel, Options};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// One cache for all tables of a store.
pub(super) fn block_cache() -> Cache {
    Cache::new_lru_cache(32 * MIB)
}

/// What concerns the database as a whole.
pub(super) fn database() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    recovery(&mut options);
    bounds(&mut options);
    options
}

/// For a database that is only read, of which several may be open.
pub(super) fn reading() -> Options {
    let mut options = Options::default();
    recovery(&mut options);
    options.set_max_open_files(64);
    options
}

/// For a damaged one: what is wrong with a file is said when that file is read, and not when the database opens.
pub(super) fn salvaging() -> Options {
    let mut options = reading();
    options.set_paranoid_checks(false);
    options.set_track_and_verify_wals_in_manifest(false);
    options
}

fn recovery(options: &mut Options) {
    // A log that was cut short anywhere ends there: an ordinary kill leaves that, and it keeps batches whole and in order.
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    options.set_paranoid_checks(true);
    // A log that was complete and synced, and is now missing or shorter, is damage and not the end.
    options.set_track_and_verify_wals_in_manifest(true);
}

fn bounds(options: &mut Options) {
    options.set_db_write_buffer_size(64 * MIB);
    options.set_max_total_wal_size(64 * MIB as u64);
    options.set_max_manifest_file_size(16 * MIB);
    options.set_max_open_files(256);
    // One thread that flushes and one that compacts.
    options.set_max_background_jobs(2);
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(4 * MIB);
    options.set_keep_log_file_num(4);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
}

/// What concerns one table.
pub(super) fn table(cache: &Cache) -> Options {
    let mut options = Options::default();
    options.set_write_buffer_size(16 * MIB);
    // What a table takes of the buffers' room at a time: two dozen of them share it, and most have little in theirs.
    options.set_arena_block_size(256 * KIB);
    options.set_max_write_buffer_number(2);
    // Keys are scattered, so a merge of new files reads and writes all of the level below: twice as many at a time halve that.
    options.set_level_zero_file_num_compaction_trigger(8);
    options.set_target_file_size_base(16 * MIB as u64);
    options.set_block_based_table_factory(&blocks(cache));
    // What comes fresh from memory is rewritten soon; compressing pays below that. The last entry counts for all deeper levels.
    options.set_compression_per_level(&[DBCompressionType::None, DBCompressionType::Lz4]);
    // Queues and logs delete what they wrote: files full of tombstones are compacted early, so that scans stay quick and the
    // disk gets its space back.
    options.add_compact_on_deletion_collector_factory(4096, 2048, 0.5);
    options
}

/// The same, of a database that is written.
pub(super) fn written_table(cache: &Cache) -> Options {
    let mut options = table(cache);
    // Most keys that are looked up are not among the latest writes, which a filter says sooner than their sorted list does. It takes 64 KiB of
    // the buffers' room in each table that is written at all.
    options.set_memtable_whole_key_filtering(true);
    options.set_memtable_prefix_bloom_ratio(0.004);
    options
}

fn blocks(cache: &Cache) -> BlockBasedOptions {
    let mut options = BlockBasedOptions::default();
    options.set_block_cache(cache);
    options.set_cache_index_and_filter_blocks(true);
    options.set_pin_l0_filter_and_index_blocks_in_cache(true);
    options.set_bloom_filter(10.0, false);
    options
}
