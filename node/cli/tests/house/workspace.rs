//! The crates of the workspace and their files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::code::{self, Code};

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) crates: Vec<Crate>,
}

pub(crate) struct Crate {
    /// Without the `tetrarch-` in front.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    /// Its features, each with what it turns on.
    pub(crate) features: Vec<(String, Vec<String>)>,
}

pub(crate) struct Dependency {
    pub(crate) name: String,
    /// A dependency of tests and benches only.
    pub(crate) dev: bool,
    /// Not there unless a feature asks for it.
    pub(crate) optional: bool,
    /// Its features that are asked for.
    pub(crate) features: Vec<String>,
}

/// A Rust file, apart in code and comments.
pub(crate) struct Source {
    /// From the workspace's root.
    pub(crate) path: String,
    pub(crate) lines: usize,
    pub(crate) code: Code,
}

impl Workspace {
    /// The workspace around the current folder, which is the package's when Cargo runs a test.
    pub(crate) fn here() -> Self {
        let arguments = ["metadata", "--format-version", "1", "--no-deps"];
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo).args(arguments).output().expect("cargo runs");
        assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata gives JSON");
        let crates = list(&metadata["packages"]).map(Crate::of).collect();
        Self { root: PathBuf::from(text(&metadata["workspace_root"])), crates }
    }

    /// The text of a file, by its path from the root.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }

    /// What `src` of a crate holds.
    pub(crate) fn sources(&self, of: &Crate) -> Vec<Source> {
        self.rust_files(&of.folder.join("src"))
    }

    /// Everything in Rust, tests and benches too.
    pub(crate) fn everything(&self) -> Vec<Source> {
        self.crates.iter().flat_map(|it| self.rust_files(&it.folder)).collect()
    }

    fn rust_files(&self, folder: &Path) -> Vec<Source> {
        let mut paths = Vec::new();
        gather(folder, &mut paths);
        paths.sort();
        paths.iter().map(|path| Source::read(&self.root, path)).collect()
    }
}

impl Crate {
    fn of(package: &Value) -> Self {
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        let texts = |of: &Value| list(of).map(|it| text(it).to_owned()).collect();
        let dependency = |it: &Value| Dependency {
            name: short(&it["name"]),
            dev: it["kind"] == "dev",
            optional: it["optional"] == true,
            features: texts(&it["features"]),
        };
        let features = package["features"].as_object().expect("cargo metadata gives features");
        Self {
            name: short(&package["name"]),
            folder: manifest.parent().expect("a manifest lies in a folder").to_owned(),
            dependencies: list(&package["dependencies"]).map(dependency).collect(),
            features: features.iter().map(|(name, on)| (name.clone(), texts(on))).collect(),
        }
    }

    pub(crate) fn manifest(&self) -> String {
        fs::read_to_string(self.folder.join("Cargo.toml")).expect("every crate has a manifest")
    }
}

impl Source {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("sources are UTF-8");
        let path = path.strip_prefix(root).unwrap_or(path).display().to_string();
        Self { path, lines: text.lines().count(), code: code::split(&text) }
    }
}

fn gather(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("a folder can be read").path()) {
        if path.is_dir() && !path.ends_with("target") {
            gather(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("cargo metadata gives lists").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("cargo metadata gives texts")
}

fn short(name: &Value) -> String {
    let name = text(name);
    name.strip_prefix("tetrarch-").unwrap_or(name).to_owned()
}

/// Fails with everything that was found, if anything was.
pub(crate) fn refuse(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}\n\n  {}\n", found.join("\n  "));
}
