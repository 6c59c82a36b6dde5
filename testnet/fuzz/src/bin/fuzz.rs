//! Runs targets without libFuzzer: on the inputs of a seed, or on files that were found.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tetrarch_fuzz::inputs::Inputs;
use tetrarch_fuzz::{Target, targets, trace};

const USAGE: &str = "fuzz list                            what there is
fuzz replay TARGET FILE...           runs single inputs
fuzz run TARGET SECONDS [DIRECTORY]  runs seeded inputs on every core, and leaves the input of a failure in the directory";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[&str]) -> Result<(), String> {
    match words {
        ["list"] => {
            targets::TARGETS.iter().for_each(|target| println!("{}", target.name));
            Ok(())
        }
        ["replay", name, files @ ..] if !files.is_empty() => replay(named(name)?, files),
        ["run", name, seconds] => run(named(name)?, seconds, Path::new(".")),
        ["run", name, seconds, directory] => run(named(name)?, seconds, Path::new(directory)),
        _ => Err(USAGE.to_owned()),
    }
}

fn named(name: &str) -> Result<&'static Target, String> {
    targets::named(name).ok_or_else(|| format!("There is no target {name:?}. `fuzz list` names them."))
}

fn replay(target: &Target, files: &[&str]) -> Result<(), String> {
    trace::tell();
    for file in files {
        let input = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        println!("{file}: {:?}", (target.run)(&input));
    }
    Ok(())
}

fn run(target: &'static Target, seconds: &str, directory: &Path) -> Result<(), String> {
    let seconds = seconds.parse().map_err(|_| format!("{seconds:?} is no number of seconds"))?;
    let until = Instant::now() + Duration::from_secs(seconds);
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let first: u64 = std::process::id().into();
    println!("{}: {seconds} s on {cores} cores, seeds {}", target.name, first * 1_000);
    let workers: Vec<_> = (0..cores)
        .map(|core| {
            let directory = directory.to_owned();
            std::thread::spawn(move || work(target, first * 1_000 + core, until, &directory))
        })
        .collect();
    let ran: Vec<Result<u64, String>> =
        workers.into_iter().map(|it| it.join().unwrap_or_else(|_| Err("a worker died".to_owned()))).collect();
    let inputs = ran.into_iter().sum::<Result<u64, String>>()?;
    println!("{}: {inputs} inputs, nothing found", target.name);
    Ok(())
}

/// Runs the inputs of a seed until the time is over, and says how many.
fn work(target: &Target, seed: u64, until: Instant, directory: &Path) -> Result<u64, String> {
    let mut inputs = Inputs::new(target, seed);
    let mut ran = 0;
    while Instant::now() < until {
        let input = inputs.draw();
        let Ok(reach) = std::panic::catch_unwind(|| (target.run)(&input)) else {
            let file: PathBuf = directory.join(format!("found-{}-{seed}-{ran}", target.name));
            write(&file, &input)?;
            return Err(format!("Found: fuzz replay {} {}", target.name, file.display()));
        };
        inputs.note(input, reach);
        ran += 1;
    }
    Ok(ran)
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(file, bytes).map_err(|error| format!("{}: {error}", file.display()))
}
