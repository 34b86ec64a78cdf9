//! `encode`: the tokens of a clip depend on that clip and on the encoder's weights.

use crate::{
    check::{Check, Outcome},
    subject::Tokens,
};

/// The largest difference of tokens by round-off, in units of how much tokens vary.
const TOLERANCE: f64 = 1e-3;

pub const DISTINCT: Check = Check {
    name: "distinct-tokens",
    what: "different clips get different, finite tokens",
    why: "an encoder that says the same of everything holds no physics",
    mend: "look for saturated activations, an output that is multiplied by zero, or tokens of the positions alone",
    mend_program: None,
    quick: true,
    run: |subject, setting| {
        let tokens = setting.open(subject)?.encode(&setting.clips(4, 1), 0)?;
        if let Some(value) = tokens.values.iter().find(|value| !value.is_finite()) {
            return Outcome::failed(format!("a token holds {value}"));
        }
        match (1..4).find(|&clip| tokens.of_clip(clip) == tokens.of_clip(0)) {
            Some(_) => Outcome::failed("two different clips have the same tokens"),
            None => Ok(Outcome::Passed(format!("{} tokens of {} values", tokens.shape[1], tokens.shape[2]))),
        }
    },
};

pub const BATCH: Check = Check {
    name: "independent-clips",
    what: "the tokens of a clip do not depend on the rest of its batch",
    why: "probes would read what other clips say, and a window would be embedded differently each time",
    mend: "use no statistics of the batch in `encode`: layer, instance or group norm instead of batch norm",
    mend_program: None,
    quick: false,
    run: |subject, setting| {
        let mut session = setting.open(subject)?;
        setting.train(&mut *session, 0..3)?;
        let clips = setting.clips(16, 1);
        let together = session.encode(&clips, 0)?;
        let unit = together.deviation().max(f64::MIN_POSITIVE);
        let permutation: Vec<usize> = (0..16).map(|index| (index * 5 + 3) % 16).collect();
        let arrangements = [
            ("one by one", (0..16).map(|index| vec![index]).collect::<Vec<_>>()),
            ("in threes", (0..16).collect::<Vec<_>>().chunks(3).map(<[_]>::to_vec).collect()),
            ("in another order", vec![permutation]),
        ];
        let mut largest = 0f64;
        for (how, batches) in arrangements {
            for batch in batches {
                let tokens = session.encode(&clips.select(&batch), 0)?;
                if tokens.shape[1..] != together.shape[1..] {
                    return Outcome::failed(format!("encoded {how}, the shape of its tokens is {:?}", tokens.shape));
                }
                for (at, &index) in batch.iter().enumerate() {
                    let difference = difference(&tokens, at, &together, index) / unit;
                    largest = largest.max(difference);
                    if difference > TOLERANCE || difference.is_nan() {
                        return Outcome::failed(format!(
                            "encoded {how}, they differ by {difference:.2e} of how much tokens vary; allowed is {TOLERANCE:.0e}"
                        ));
                    }
                }
            }
        }
        Ok(Outcome::Passed(format!("within {largest:.0e}")))
    },
};

pub const AFTER_LOSS: Check = Check {
    name: "encode-changes-nothing",
    what: "`encode` gives the same bytes twice, and changes no weight",
    why: "a run encodes in any order, and between steps",
    mend: "keep no state in the struct, and draw nothing at random in `encode`: no dropout, no masks",
    mend_program: Some("keep nothing in `encode`, and draw nothing at random in it: no dropout, no masks"),
    quick: true,
    run: |subject, setting| {
        let mut session = setting.open(subject)?;
        let (state, clips) = (session.save()?, setting.clips(3, 1));
        let first = session.encode(&clips, 0)?;
        session.encode(&setting.clips(2, 2), 0)?;
        if session.encode(&clips, 0)? != first {
            return Outcome::failed("the second time, tokens differ");
        }
        match session.save()? == state {
            true => Outcome::passed(),
            false => Outcome::failed("the saved state is another one after `encode`"),
        }
    },
};

/// The largest difference between the values of a clip's tokens in two encodings.
fn difference(one: &Tokens, at: usize, other: &Tokens, index: usize) -> f64 {
    let pairs = one.of_clip(at).iter().zip(other.of_clip(index));
    pairs.map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
}
