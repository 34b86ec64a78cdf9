//! Labels beside the marks that they name, placed so that none covers another.

/// The approximate width of a text of the size of figures, in pixels.
pub(crate) fn text_width(text: &str) -> f64 {
    5.8 * text.chars().count() as f64
}

/// Moves heights apart until neighbours are `gap` from each other, in their order, each as little as can be, within `[top, bottom]`
/// as far as all fit.
pub(crate) fn spread(heights: &[f64], gap: f64, [top, bottom]: [f64; 2]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|&a, &b| heights[a].total_cmp(&heights[b]));
    // Without the room that the labels above take, heights must not decrease: pooling neighbours that do is least squares.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (above, &place) in order.iter().enumerate() {
        pools.push((heights[place] - gap * above as f64, 1));
        while let [.., (upper, m), (lower, n)] = pools[..]
            && upper / m as f64 >= lower / n as f64
        {
            pools.truncate(pools.len() - 2);
            pools.push((upper + lower, m + n));
        }
    }
    let last = gap * heights.len().saturating_sub(1) as f64;
    let pooled = pools.iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / *count as f64, *count));
    let mut placed = vec![0.0; heights.len()];
    for (above, (height, place)) in pooled.zip(order).enumerate() {
        placed[place] = height.min(bottom - last).max(top) + gap * above as f64;
    }
    placed
}

/// The place of each text beside its point, as its left end and its baseline: right, left, above or below, whichever covers least of the
/// points and of the texts before it.
pub(crate) fn beside(points: &[[f64; 2]], texts: &[String], [left, right]: [f64; 2]) -> Vec<[f64; 2]> {
    // Left, top, right, bottom.
    let mut taken: Vec<[f64; 4]> = points.iter().map(|[x, y]| [x - 4.0, y - 4.0, x + 4.0, y + 4.0]).collect();
    let mut placed = Vec::new();
    for ([x, y], text) in points.iter().zip(texts) {
        let width = text_width(text);
        let corners = [
            [x + 8.0, y + 4.0],
            [x - 8.0 - width, y + 4.0],
            [x - width / 2.0, y - 9.0],
            [x - width / 2.0, y + 17.0],
            [x + 6.0, y - 8.0],
            [x + 6.0, y + 16.0],
        ];
        let boxed = |[x, y]: [f64; 2]| [x, y - 9.0, x + width, y + 2.0];
        let cost = |corner: [f64; 2]| -> f64 {
            let own = boxed(corner);
            let covered: f64 = taken.iter().map(|other| overlap(own, *other)).sum();
            covered + 50.0 * ((left - own[0]).max(0.0) + (own[2] - right).max(0.0))
        };
        let best = corners.into_iter().min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or([*x, *y]);
        taken.push(boxed(best));
        placed.push(best);
    }
    placed
}

/// The area that two rectangles share.
fn overlap(a: [f64; 4], b: [f64; 4]) -> f64 {
    let width = a[2].min(b[2]) - a[0].max(b[0]);
    let height = a[3].min(b[3]) - a[1].max(b[1]);
    width.max(0.0) * height.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_moved_apart_in_their_order() {
        assert_eq!(spread(&[50.0, 10.0, 52.0], 12.0, [0.0, 100.0]), [45.0, 10.0, 57.0]);
        assert_eq!(spread(&[95.0, 99.0], 12.0, [0.0, 100.0]), [88.0, 100.0]);
        assert_eq!(spread(&[1.0, 2.0, 70.0], 12.0, [0.0, 100.0]), [0.0, 12.0, 70.0]);
        assert_eq!(spread(&[], 12.0, [0.0, 100.0]), [0.0; 0]);
    }

    #[test]
    fn a_name_covers_no_other_and_no_point() {
        let points = [[50.0, 50.0], [60.0, 52.0], [190.0, 50.0]];
        let texts = ["one", "other", "at the edge"].map(String::from);
        let placed = beside(&points, &texts, [0.0, 200.0]);
        let boxes: Vec<[f64; 4]> =
            placed.iter().zip(&texts).map(|([x, y], text)| [*x, y - 9.0, x + text_width(text), y + 2.0]).collect();
        assert_eq!(overlap(boxes[0], boxes[1]) + overlap(boxes[1], boxes[2]), 0.0, "{boxes:?}");
        assert!(boxes[2][2] <= 200.0, "{boxes:?}");
    }
}
