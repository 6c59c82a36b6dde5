//! A Rust text taken apart: code without comments and without what stands in strings, and the comments alone.

use std::iter::Peekable;
use std::str::Chars;

/// Both have the lines of the original.
pub(crate) struct Code {
    pub(crate) code: String,
    pub(crate) comments: String,
}

/// Blanks comments and the insides of strings and character literals out of the code. Line by line all stays where it was.
pub(crate) fn split(text: &str) -> Code {
    let mut splitter =
        Splitter { rest: text.chars().peekable(), code: String::new(), comments: String::new(), before: ' ' };
    while let Some(next) = splitter.rest.next() {
        splitter.take(next);
    }
    Code { code: splitter.code, comments: splitter.comments }
}

struct Splitter<'a> {
    rest: Peekable<Chars<'a>>,
    code: String,
    comments: String,
    /// The character of code before the present one: tells a raw string's `r` from the end of a name.
    before: char,
}

impl Splitter<'_> {
    fn take(&mut self, next: char) {
        match (next, self.rest.peek().copied()) {
            ('/', Some('/')) => self.line_comment(),
            ('/', Some('*')) => self.block_comment(),
            ('"', _) => self.string(),
            ('r', Some('"' | '#')) if !is_word(self.before) || self.before == 'b' => self.raw_string(),
            ('\'', _) => self.quote(),
            _ => self.code(next),
        }
    }

    fn code(&mut self, next: char) {
        self.code.push(next);
        if next == '\n' {
            self.comments.push('\n');
        }
        self.before = next;
    }

    fn comment(&mut self, next: char) {
        self.comments.push(next);
        if next == '\n' {
            self.code.push('\n');
        }
    }

    /// A character of a string: gone, but for its line.
    fn blank(&mut self, next: char) {
        if next == '\n' {
            self.code('\n');
        }
    }

    fn line_comment(&mut self) {
        while let Some(next) = self.rest.next_if(|next| *next != '\n') {
            self.comment(next);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        let mut last = '/';
        while let Some(next) = self.rest.next() {
            self.comment(next);
            match (last, next) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    last = next;
                    continue;
                }
            }
            last = ' ';
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.code('"');
        while let Some(next) = self.rest.next() {
            match next {
                '\\' => {
                    if let Some(escaped) = self.rest.next() {
                        self.blank(escaped);
                    }
                }
                '"' => break,
                _ => self.blank(next),
            }
        }
        self.code('"');
    }

    /// `r` is taken; `#` signs follow and a quote, or else it was a raw name.
    fn raw_string(&mut self) {
        let mut hashes = 0;
        while self.rest.next_if_eq(&'#').is_some() {
            hashes += 1;
        }
        if self.rest.next_if_eq(&'"').is_none() {
            return self.code('r');
        }
        self.code('"');
        let mut closing = None;
        while let Some(next) = self.rest.next() {
            closing = match (next, closing) {
                ('"', _) => Some(0),
                ('#', Some(seen)) => Some(seen + 1),
                _ => None,
            };
            if closing == Some(hashes) {
                break;
            }
            self.blank(next);
        }
        self.code('"');
    }

    /// A character literal, or a lifetime.
    fn quote(&mut self) {
        self.code('\'');
        let mut ahead = self.rest.clone();
        let (first, second) = (ahead.next(), ahead.next());
        if first == Some('\\') {
            self.rest.next();
            self.rest.next();
            while self.rest.next_if(|next| *next != '\'').is_some() {}
            self.rest.next();
            self.code('\'');
        } else if second == Some('\'') {
            self.rest.next();
            self.rest.next();
            self.code('\'');
        }
    }
}

pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Where `needle` stands in `text` as a word or a path of its own, by byte.
pub(crate) fn find_words<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(needle).map(|(at, _)| at).filter(move |at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + needle.len()..].chars().next();
        let open_end = !needle.ends_with(is_word);
        !before.is_some_and(is_word) && (open_end || !after.is_some_and(is_word))
    })
}

/// The number of the line that holds this byte.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// Where the bracket that opens at this byte closes.
pub(crate) fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in text[open..].char_indices() {
        match character {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(open + at);
        }
    }
    None
}

/// Every path that a file's `use` declarations name, braces multiplied out, with the line of the declaration.
pub(crate) fn imports(code: &str) -> Vec<(usize, String)> {
    let declarations = find_words(code, "use").filter_map(|at| {
        let tree = code[at + 3..].split(';').next()?;
        Some((line_of(code, at), tree))
    });
    declarations.flat_map(|(line, tree)| expand(tree).into_iter().map(move |path| (line, path))).collect()
}

fn expand(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        return vec![tree.split_whitespace().next().unwrap_or_default().to_owned()];
    };
    let close = closing(tree, open).unwrap_or(tree.len());
    let branches = top_level(tree.get(open + 1..close).unwrap_or_default());
    let prefix = tree[..open].trim();
    branches.flat_map(expand).filter(|path| !path.is_empty()).map(|path| format!("{prefix}{path}")).collect()
}

/// The parts between commas that stand in no inner braces.
fn top_level(branches: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    branches.split(move |character| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    })
}

#[test]
fn strings_and_comments_are_not_code() {
    let text = concat!(
        "let a = \"std::thread // \\\" no\"; // HashMap, N-3\n",
        "/* Instant /* nested */ still */ let b = r#\"tokio \" x\"#;\n",
        "fn f<'a>(c: &'a str) -> char { '\"' }\nlet d = '\\''; let e = b\"x\"; let r#type = 1; // end"
    );
    let Code { code, comments } = split(text);
    assert_eq!(code.lines().count(), text.lines().count());
    assert_eq!(comments.lines().count(), text.lines().count());
    for hidden in ["thread", "HashMap", "Instant", "tokio", "still", "end"] {
        assert!(!code.contains(hidden), "{hidden} in {code}");
    }
    for kept in ["let a = \"\";", "let b = \"\";", "fn f<'a>(c: &'a str) -> char { '' }", "let d = '';", "= 1;"] {
        assert!(code.contains(kept), "{kept} not in {code}");
    }
    assert!(comments.contains("N-3") && comments.contains("still") && !comments.contains("thread"));
}

#[test]
fn imports_are_multiplied_out() {
    let code = "use std::{\n    collections::{BTreeMap, HashMap as Map},\n    thread,\n};\nuse a::b;\n";
    let paths: Vec<String> = imports(code).into_iter().map(|(_, path)| path).collect();
    assert_eq!(paths, ["std::collections::BTreeMap", "std::collections::HashMap", "std::thread", "a::b"]);
}
