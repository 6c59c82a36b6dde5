//! Colours and strokes: dark on light, and told apart by those who see fewer colours too.

use tetrarch_simulator::recording::Kind;
use tetrarch_types::MessageKind;

/// The class of a message: its colour.
pub(super) const fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Request => "request",
        Kind::Reply => "reply",
        Kind::Peer(kind) => match kind {
            MessageKind::PrePrepare => "pre-prepare",
            MessageKind::Prepare => "prepare",
            MessageKind::Commit => "commit",
            MessageKind::Checkpoint => "checkpoint",
            MessageKind::ViewChange => "view-change",
            MessageKind::NewView => "new-view",
            MessageKind::Status | MessageKind::Fetch | MessageKind::Supply => "catch-up",
        },
    }
}

/// How wide a text in the small fonts is, about: for what must not run into something else.
pub(super) fn width(text: &str) -> f64 {
    text.chars().count() as f64 * 5.6
}

pub(super) const CSS: &str = "
.sheet { fill: #ffffff }
text { font: 10px 'DejaVu Sans', 'Segoe UI', Helvetica, Arial, sans-serif; fill: #24292f }
.halo { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round }
.mono { font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace }
.end { text-anchor: end }
.middle { text-anchor: middle }
.title { font-size: 20px; font-weight: 600 }
.good { fill: #2a7a37 }
.bad { fill: #c4122f; font-weight: 600 }
.dim { fill: #6b7580 }
.lane { stroke: #8c959f; stroke-width: 1 }
.lane.liar { stroke: #8f1d5c; stroke-width: 1.6; stroke-dasharray: 7 3 }
.box { fill: #f3f5f7; stroke: #8c959f }
.box.client { fill: #ffffff }
.box.liar { fill: #fbeaf3; stroke: #8f1d5c }
.name { font-size: 12px; font-weight: 600 }
.name.liar, .lies { fill: #8f1d5c }
.grid { stroke: #eef0f2 }
.gap { stroke: #b6bec6; stroke-dasharray: 2 3 }
.down { fill: #7d8790 }
.still { fill: #e3b341 }
.cut { fill: #c98a4b }
.fault { fill: #8a4b14 }
.healed { stroke: #2a7a37; stroke-width: 1.5; stroke-dasharray: 6 4 }
.failed { stroke: #c4122f; stroke-width: 2.5 }
.failure { fill: #fdecef; stroke: #c4122f }
.executed { fill: #2f8f3a }
.left { fill: #d96c10 }
.entered { fill: #8b3fa8 }
.stable { fill: #8a6d0f }
.told { fill: #35618f }
.noted { fill: #57606a }
.message line, .message polygon, .message circle { stroke-width: 1.3 }
.message:hover line.way { stroke-width: 3 }
.message line.touch { stroke: transparent; stroke-width: 8 }
.message line.stub { stroke-dasharray: 5 3 }
.message.lie line.way { stroke-dasharray: 1.5 2.5; stroke-width: 2.2 }
.pre-prepare { --c: #1f5fbf } .prepare { --c: #0c8f9c } .commit { --c: #2f8f3a } .checkpoint { --c: #8a6d0f }
.view-change { --c: #d96c10 } .new-view { --c: #8b3fa8 } .catch-up { --c: #b9c1c9 }
.request { --c: #57606a } .reply { --c: #8793a0 }
.message line { stroke: var(--c) } .message polygon { fill: var(--c); stroke: none } text.said { fill: var(--c) }
text.said.catch-up { fill: #98a2ac }
.message .end-of-it { stroke: #c4122f; stroke-width: 1.8 }
.message .nobody { stroke: #4b535c; stroke-width: 1.6 }
.message circle { fill: #ffffff; stroke: var(--c) }
.strip { fill: #f3f5f7 } .dense { fill: #c3cbd3 } .shown { fill: #1f5fbf; fill-opacity: 0.14; stroke: #1f5fbf }
.tick-fault { stroke: #8a4b14 } .tick-view { stroke: #8b3fa8; stroke-width: 1.5 }
";
