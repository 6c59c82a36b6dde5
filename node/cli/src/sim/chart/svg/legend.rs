//! What colours, shapes and ends of arrows mean.

use tetrarch_simulator::recording::{Kind, Mark};
use tetrarch_types::{MessageKind, SeqNum, View};

use super::arrows::cross;
use super::canvas::{Canvas, Point};
use super::plan::LEFT;
use super::style::{class, width};

/// The room that it takes.
pub(super) const HEIGHT: f64 = 62.0;

const KINDS: [(Kind, &str); 9] = [
    (Kind::Request, "REQUEST"),
    (Kind::Reply, "REPLY"),
    (Kind::Peer(MessageKind::PrePrepare), "PRE-PREPARE"),
    (Kind::Peer(MessageKind::Prepare), "PREPARE"),
    (Kind::Peer(MessageKind::Commit), "COMMIT"),
    (Kind::Peer(MessageKind::Checkpoint), "CHECKPOINT"),
    (Kind::Peer(MessageKind::ViewChange), "VIEW-CHANGE"),
    (Kind::Peer(MessageKind::NewView), "NEW-VIEW"),
    (Kind::Peer(MessageKind::Status), "STATUS, FETCH, SUPPLY"),
];

const MARKS: [(Mark, &str, &str); 6] = [
    (Mark::Executed(SeqNum::ZERO), "executed", "executes"),
    (Mark::Stable(SeqNum::ZERO), "stable", "stable checkpoint"),
    (Mark::LeftFor(View::ZERO), "left", "gives up a view"),
    (Mark::Entered(View::ZERO), "entered", "enters a view"),
    (Mark::Told(SeqNum::ZERO), "told", "client believes"),
    (Mark::Fault(""), "fault", "fault"),
];

pub(super) fn draw(canvas: &mut Canvas, y: f64) {
    let mut x = LEFT;
    for (kind, words) in KINDS {
        canvas.group(&format!("message {}", class(kind)), "", |canvas| {
            canvas.line("way", (x, y), (x + 22.0, y));
            canvas.polygon("head", &[(x + 25.0, y), (x + 18.0, y - 3.0), (x + 18.0, y + 3.0)]);
        });
        canvas.words("", (x + 31.0, y + 3.5), words);
        x += 31.0 + width(words) * 1.18 + 18.0;
    }
    let y = y + 20.0;
    let mut x = LEFT + 6.0;
    for (mark, class, words) in MARKS {
        super::marks::symbol(canvas, mark, class, (x, y));
        x = word(canvas, (x + 10.0, y), words);
    }
    ends(canvas, (LEFT + 6.0, y + 20.0));
}

type End = (&'static str, fn(&mut Canvas, Point));

const ENDS: [End; 7] = [
    ("lost", |canvas, at| cross(canvas, "end-of-it", at)),
    ("cut off", |canvas, (x, y)| canvas.line("end-of-it", (x, y - 5.0), (x, y + 5.0))),
    ("withheld", |canvas, at| canvas.circle("way", at, 2.5)),
    ("nobody there", |canvas, at| cross(canvas, "nobody", at)),
    ("down", |canvas, (x, y)| canvas.rect("down", (x - 3.0, y - 6.0), (x + 3.0, y + 6.0))),
    ("stands still", |canvas, (x, y)| canvas.rect("still", (x - 3.0, y - 6.0), (x + 3.0, y + 6.0))),
    ("link cut", |canvas, (x, y)| canvas.rect("cut", (x - 2.0, y - 6.0), (x + 2.0, y + 6.0))),
];

fn ends(canvas: &mut Canvas, (mut x, y): Point) {
    for (words, end) in ENDS {
        canvas.group("message request", "", |canvas| end(canvas, (x, y)));
        x = word(canvas, (x + 10.0, y), words);
    }
    canvas.group("message pre-prepare lie", "", |canvas| canvas.line("way", (x - 4.0, y), (x + 20.0, y)));
    word(canvas, (x + 26.0, y), "a lie");
}

/// Writes it, and says where the next thing may stand.
fn word(canvas: &mut Canvas, (x, y): Point, words: &str) -> f64 {
    canvas.words("", (x, y + 3.5), words);
    x + width(words) + 24.0
}
