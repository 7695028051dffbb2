//! The activity chart: stacked bars as plain SVG shapes.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::format;
use crate::query::SeverityClass;
use crate::store::TimeBar;

/// Size of the drawing, in its own units.
const WIDTH: f64 = 960.0;
const PLOT_HEIGHT: f64 = 120.0;
/// Room below for the labels of the axis.
const AXIS_HEIGHT: f64 = 20.0;

/// A chart ready for the template.
pub(super) struct Chart {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) plot_height: f64,
    pub(super) bars: Vec<Bar>,
    pub(super) labels: Vec<Label>,
    /// The highest bar.
    pub(super) peak: String,
    /// One bar's stretch of time, `1 h`.
    pub(super) step: String,
}

/// One bar with its parts, lightest at the top.
pub(super) struct Bar {
    pub(super) title: String,
    pub(super) parts: Vec<Part>,
}

/// A rectangle of one severity.
pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) height: String,
}

/// A time on the axis.
pub(super) struct Label {
    pub(super) x: String,
    pub(super) anchor: &'static str,
    pub(super) text: String,
}

impl Chart {
    /// Draws bars; none when there is nothing.
    pub(super) fn of(bars: &[TimeBar], bar_seconds: i64) -> Option<Self> {
        let peak = bars
            .iter()
            .map(TimeBar::total)
            .max()
            .filter(|peak| *peak > 0)?;
        let slot = WIDTH / to_f64(bars.len() as u64);
        let scale = (PLOT_HEIGHT - 4.0) / to_f64(peak);
        let drawn = bars.iter().enumerate().map(|(index, bar)| {
            let left = slot * to_f64(index as u64);
            let mut top = PLOT_HEIGHT;
            let parts = SeverityClass::ALL
                .into_iter()
                .zip(bar.by_severity)
                .filter(|(_, count)| *count > 0);
            let parts = parts.map(|(class, count)| {
                // Even one finding among thousands is visible.
                let height = (to_f64(count) * scale).max(1.5);
                top -= height;
                Part {
                    class: class.as_str(),
                    x: format!("{:.2}", left + slot * 0.08),
                    y: format!("{top:.2}"),
                    width: format!("{:.2}", (slot * 0.84).min(28.0)),
                    height: format!("{height:.2}"),
                }
            });
            let parts = parts.collect();
            Bar {
                title: format!(
                    "{} UTC: {}",
                    format::time(bar.start),
                    format::number(bar.total())
                ),
                parts,
            }
        });
        Some(Self {
            width: WIDTH,
            height: PLOT_HEIGHT + AXIS_HEIGHT,
            plot_height: PLOT_HEIGHT,
            bars: drawn.collect(),
            labels: labels(bars, slot, bar_seconds),
            peak: format::number(peak),
            step: step_name(bar_seconds),
        })
    }
}

/// Up to five labels, evenly spread.
fn labels(bars: &[TimeBar], slot: f64, bar_seconds: i64) -> Vec<Label> {
    let pattern = if bar_seconds >= 24 * 3_600 {
        "%d %b %Y"
    } else {
        "%d %b %H:%M"
    };
    let every = bars.len().div_ceil(5).max(1);
    let text = |time: Timestamp| time.to_zoned(TimeZone::UTC).strftime(pattern).to_string();
    bars.iter()
        .enumerate()
        .step_by(every)
        .map(|(index, bar)| {
            let left = slot * to_f64(index as u64);
            // One that would run over the edge ends with its bar instead of beginning with it.
            let (x, anchor) = if left > WIDTH * 0.86 {
                (left + slot, "end")
            } else {
                (left, "start")
            };
            Label {
                x: format!("{x:.1}"),
                anchor,
                text: text(bar.start),
            }
        })
        .collect()
}

/// Units as every language of the pages writes them.
fn step_name(seconds: i64) -> String {
    match seconds {
        ..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Exact up to 2^53, which is far beyond what a chart can show.
#[expect(clippy::cast_precision_loss, reason = "pixels")]
fn to_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stay_inside_the_drawing() {
        let bar = |seconds, by_severity| TimeBar {
            start: Timestamp::from_second(seconds).unwrap(),
            by_severity,
        };
        let chart = Chart::of(
            &[bar(0, [1, 0, 0, 0]), bar(3_600, [5, 100_000, 3, 9])],
            3_600,
        )
        .unwrap();
        for part in chart.bars.iter().flat_map(|bar| &bar.parts) {
            let (y, height): (f64, f64) = (part.y.parse().unwrap(), part.height.parse().unwrap());
            assert!(
                y >= -3.0 && y + height <= PLOT_HEIGHT + 0.01,
                "{y} {height}"
            );
        }
        assert!(Chart::of(&[], 3_600).is_none());
        assert!(Chart::of(&[bar(0, [0; 4])], 3_600).is_none());
    }
}
