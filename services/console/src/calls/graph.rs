//! The fleet as a picture: a mark for each service, a line for each pair that has called.
//!
//! Services stand around a ring in the registry's order, half of them on each side, each on a line of its own height: names never
//! overlap, and the same fleet is drawn the same way each time.

use std::collections::BTreeMap;
use std::fmt::Write;

use syscall_sdk::pages::{Escaped, Html, Status};

use super::{Edge, Node, Picture};

/// The picture's width, in its own units, which are pixels where it has a page's width.
const WIDTH: f64 = 820.0;
/// From the middle to the marks at the sides: leaves room for [`LONGEST_NAME`] on both.
const REACH: f64 = 250.0;
/// Least height of the ring.
const LEAST_HEIGHT: f64 = 400.0;
/// Least height between two names of one side: a line of text and some air.
const LINE: f64 = 30.0;
/// Above and below the ring.
const MARGIN: f64 = 16.0;
/// Beneath it, for the words of the line that is pointed at.
const WORDS: f64 = 40.0;
/// The most lines of one picture, the worst first: more are a blot in which none can be followed. The table has all.
pub(super) const MOST_LINES: usize = 150;
/// Characters of a name that are drawn; the whole name is said of its mark.
const LONGEST_NAME: usize = 18;
/// From a mark's middle to where lines end.
const CLEAR: f64 = 14.0;

type Point = (f64, f64);

/// Draws it.
pub(super) fn draw(picture: &Picture, chosen: Option<&str>) -> Html {
    let (places, height) = layout(&picture.services);
    let drawn = &picture.edges[..picture.edges.len().min(MOST_LINES)];
    let mut out = format!(
        r#"<svg class="graph" viewBox="0 0 {WIDTH} {full}" role="group" aria-label="Calls between the services, as lines from caller to called">"#,
        full = height + WORDS,
    );
    // The worst last, so that they lie above the others.
    for edge in drawn.iter().rev() {
        let (Some(from), Some(to)) = (places.get(edge.from.as_str()), places.get(edge.peer.service.as_str())) else {
            continue;
        };
        line(&mut out, edge, *from, *to, height);
    }
    for node in &picture.services {
        if let Some(place) = places.get(node.key.as_str()) {
            mark(&mut out, node, *place, chosen);
        }
    }
    out.push_str("</svg>");
    Html::trusted(out)
}

/// Where each service stands, and the height that they take: down the right side and up the left.
fn layout(services: &[Node]) -> (BTreeMap<&str, Point>, f64) {
    let right = services.len().div_ceil(2);
    let height = (right as f64 * LINE).max(LEAST_HEIGHT);
    let places = services.iter().enumerate().map(|(at, node)| {
        let (step, of, side) = if at < right {
            (at, right, 1.0)
        } else {
            (services.len() - 1 - at, services.len() - right, -1.0)
        };
        let down = (2 * step + 1) as f64 / of as f64 - 1.0;
        let x = WIDTH / 2.0 + side * REACH * (1.0 - down * down).sqrt();
        let y = MARGIN + (height - 2.0 * MARGIN) * (down + 1.0) / 2.0;
        (node.key.as_str(), (x, y))
    });
    (places.collect(), height)
}

/// A line bends towards the middle, and its way back beside it.
fn line(out: &mut String, edge: &Edge, from: Point, to: Point, height: f64) {
    let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
    let (along, length) = unit((to.0 - from.0, to.1 - from.1));
    // Of two that stand near each other on one side the line bends in; of two that face each other it goes straight.
    let pull = 0.3 * (1.0 - length / (2.0 * REACH)).clamp(0.0, 1.0);
    let apart = 10.0 + length * 0.04;
    let control = (
        middle.0 + (WIDTH / 2.0 - middle.0) * pull - along.1 * apart,
        middle.1 + (height / 2.0 - middle.1) * pull + along.0 * apart,
    );
    let width = width(edge.calls());
    let head = 4.0 + width * 1.2;
    let (out_of, _) = unit((control.0 - from.0, control.1 - from.1));
    let (into, _) = unit((to.0 - control.0, to.1 - control.1));
    let start = (from.0 + out_of.0 * CLEAR, from.1 + out_of.1 * CLEAR);
    let tip = (to.0 - into.0 * CLEAR, to.1 - into.1 * CLEAR);
    let end = (tip.0 - into.0 * head, tip.1 - into.1 * head);
    let curve = format!(
        "M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}",
        start.0, start.1, control.0, control.1, end.0, end.1
    );
    let side = (into.1 * head * 0.55, -into.0 * head * 0.55);
    let words = edge.words();
    let words = Escaped(&words);
    // Writing to a String does not fail; the results below are dropped for that reason.
    let _ = write!(
        out,
        concat!(
            r#"<a class="graph-line is-{status}" href="{href}" data-key="{from}-{to}"><title>{words}</title><path class="graph-reach" d="{curve}"/>"#,
            r#"<path class="graph-curve" d="{curve}" stroke-width="{width:.2}"/>"#,
            r#"<path class="graph-head" d="M{:.1} {:.1}L{:.1} {:.1} {:.1} {:.1}z"/>"#,
            r#"<text x="{middle}" y="{below}" text-anchor="middle" aria-hidden="true">{words}</text></a>"#
        ),
        tip.0,
        tip.1,
        end.0 + side.0,
        end.1 + side.1,
        end.0 - side.0,
        end.1 - side.1,
        status = edge.status().as_str(),
        href = Escaped(edge.href()),
        from = Escaped(&edge.from),
        to = Escaped(&edge.peer.service),
        words = words,
        curve = curve,
        width = width,
        middle = WIDTH / 2.0,
        below = height + WORDS - 12.0,
    );
}

/// As wide as its calls have digits, so that a thousand calls do not hide ten.
fn width(calls: u64) -> f64 {
    (1.25 + (calls.max(1) as f64).log10() * 0.75).min(6.0)
}

fn mark(out: &mut String, node: &Node, (x, y): Point, chosen: Option<&str>) {
    let key = Escaped(&node.key);
    let name: String = match node.key.char_indices().nth(LONGEST_NAME) {
        Some(_) => node.key.chars().take(LONGEST_NAME - 1).chain(['…']).collect(),
        None => node.key.clone(),
    };
    let is_chosen = chosen == Some(node.key.as_str());
    let (href, current) = if is_chosen {
        ("/calls".to_owned(), r#" aria-current="true""#)
    } else {
        (format!("/calls?service={}", node.key), "")
    };
    let said = if node.silent.is_some() {
        "; it did not say whom it calls"
    } else {
        ""
    };
    let (anchor, beside) = if x < WIDTH / 2.0 {
        ("end", -18.0)
    } else {
        ("start", 18.0)
    };
    let _ = write!(
        out,
        concat!(
            r#"<a class="graph-node is-{status}" href="{href}" data-key="{key}"{current}><title>{key}: {status}{said}</title>"#,
            r#"<circle class="graph-ground" cx="{x:.1}" cy="{y:.1}" r="12"/>{shape}"#,
            r#"<text x="{at:.1}" y="{y:.1}" dy="{dy}" text-anchor="{anchor}">{name}</text>"#
        ),
        status = node.status.as_str(),
        href = Escaped(href),
        key = key,
        current = current,
        said = said,
        x = x,
        y = y,
        shape = shape(node.status, (x, y)),
        at = x + beside,
        dy = if node.silent.is_some() { -2 } else { 5 },
        anchor = anchor,
        name = Escaped(name),
    );
    if node.silent.is_some() {
        let _ = write!(
            out,
            r#"<text class="graph-silent" x="{:.1}" y="{:.1}" text-anchor="{anchor}">no answer</text>"#,
            x + beside,
            y + 13.0,
        );
    }
    out.push_str("</a>");
}

/// The fleet's four shapes, as large as marks of the picture are.
fn shape(status: Status, (x, y): Point) -> String {
    match status {
        Status::Healthy => format!(r#"<circle class="graph-full" cx="{x:.1}" cy="{y:.1}" r="8"/>"#),
        Status::Degraded => format!(
            r#"<circle class="graph-ring" cx="{x:.1}" cy="{y:.1}" r="7"/><path class="graph-full" d="M{x:.1} {:.1}a7 7 0 0 0 0 14z"/>"#,
            y - 7.0
        ),
        Status::Down => format!(r#"<circle class="graph-ring is-firm" cx="{x:.1}" cy="{y:.1}" r="6.5"/>"#),
        Status::Unknown => format!(r#"<circle class="graph-ring is-dashed" cx="{x:.1}" cy="{y:.1}" r="7"/>"#),
    }
}

/// A direction of length 1, and the length that it had.
fn unit((x, y): Point) -> (Point, f64) {
    let length = x.hypot(y).max(f64::EPSILON);
    ((x / length, y / length), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(of: usize) -> Vec<Node> {
        (0..of)
            .map(|at| Node {
                key: format!("service-{at}"),
                status: Status::Healthy,
                silent: None,
            })
            .collect()
    }

    #[test]
    fn no_two_names_of_a_side_share_a_line_however_large_the_fleet() {
        for of in [1, 2, 9, 50] {
            let services = fleet(of);
            let (places, height) = layout(&services);
            assert_eq!(places.len(), of);
            let mut by_side: [Vec<f64>; 2] = Default::default();
            for (x, y) in places.into_values() {
                assert!(x > 140.0 && x < WIDTH - 140.0 && y > 0.0 && y < height, "{of}: {x} {y}");
                by_side[usize::from(x < WIDTH / 2.0)].push(y);
            }
            for side in &mut by_side {
                side.sort_by(f64::total_cmp);
                assert!(side.windows(2).all(|two| two[1] - two[0] > 20.0), "{of}: {side:?}");
            }
        }
    }

    #[test]
    fn more_calls_are_a_wider_line_up_to_a_bound() {
        assert!(width(0) >= 1.0);
        assert!(width(10) < width(1_000));
        assert!(width(u64::MAX) <= 6.0);
    }
}
