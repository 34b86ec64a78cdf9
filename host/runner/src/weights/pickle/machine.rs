//! Executes the instructions of a pickle on a stack of objects.

use std::collections::HashMap;

use super::{
    input::{Input, Step},
    object::{Call, Id, Object},
};

/// The most objects of a pickle. Each takes about 50 bytes; a checkpoint has a few dozen for each tensor.
const MOST_OBJECTS: usize = 1 << 23;

/// `None`, which is stored once.
const OTHER: Id = 0;

/// The empty tuple, which cannot change either.
const EMPTY_TUPLE: Id = 1;

pub(super) struct Machine<'a> {
    pub input: Input<'a>,
    /// All objects so far.
    pub objects: Vec<Object>,
    stack: Vec<Id>,
    /// The heights of the stack at its marks.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'a> Machine<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let objects = vec![Object::Other, Object::Sequence(Vec::new())];
        let input = Input { bytes, at: 0 };
        Self { input, objects, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() }
    }

    /// Executes one instruction; gives the result after the last one.
    pub fn step(&mut self) -> Step<Option<Id>> {
        let code = self.input.array::<1>()?[0];
        match code {
            // STOP, PROTO, FRAME
            b'.' => return self.pop().map(Some),
            0x80 => drop(self.input.take(1)?),
            0x95 => drop(self.input.take(8)?),
            // MARK, POP_MARK, POP, DUP
            b'(' => self.marks.push(self.stack.len()),
            b'1' => drop(self.above_mark()?),
            b'0' => drop(self.pop()?),
            b'2' => self.stack.push(self.top()?),
            // NONE, NEWTRUE, NEWFALSE, BINFLOAT
            b'N' | 0x88 | 0x89 => self.stack.push(OTHER),
            b'G' => {
                self.input.take(8)?;
                self.stack.push(OTHER);
            }
            // BININT, BININT1, BININT2, INT, LONG, LONG1, LONG4
            b'J' => {
                let number = i32::from_le_bytes(self.input.array()?);
                self.integer(number.into())?;
            }
            b'K' => {
                let number = self.input.array::<1>()?[0];
                self.integer(number.into())?;
            }
            b'M' => {
                let number = u16::from_le_bytes(self.input.array()?);
                self.integer(number.into())?;
            }
            b'I' | b'L' => {
                let line = self.input.line()?;
                match line.trim_end_matches('L').parse() {
                    Ok(number) => self.integer(number)?,
                    Err(_) => self.stack.push(OTHER),
                }
            }
            0x8a => {
                let length = self.input.length::<1>()?;
                self.long(length)?;
            }
            0x8b => {
                let length = self.input.length::<4>()?;
                self.long(length)?;
            }
            // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8
            b'X' => self.string::<4>()?,
            0x8c => self.string::<1>()?,
            0x8d => self.string::<8>()?,
            // BINSTRING, SHORT_BINSTRING: texts of Python 2
            b'T' => self.string::<4>()?,
            b'U' => self.string::<1>()?,
            // BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8
            b'B' => self.bytes::<4>()?,
            b'C' => self.bytes::<1>()?,
            0x8e | 0x96 => self.bytes::<8>()?,
            // EMPTY_TUPLE, TUPLE, TUPLE1, TUPLE2, TUPLE3
            b')' => self.stack.push(EMPTY_TUPLE),
            b't' => {
                let elements = self.above_mark()?;
                self.push(Object::Sequence(elements))?;
            }
            0x85..=0x87 => {
                let elements = self.last(usize::from(code - 0x84))?;
                self.push(Object::Sequence(elements))?;
            }
            // EMPTY_LIST, LIST, APPEND, APPENDS
            b']' => self.push(Object::Sequence(Vec::new()))?,
            b'l' => {
                let elements = self.above_mark()?;
                self.push(Object::Sequence(elements))?;
            }
            b'a' => {
                let elements = self.last(1)?;
                self.append(&elements)?;
            }
            b'e' => {
                let elements = self.above_mark()?;
                self.append(&elements)?;
            }
            // EMPTY_DICT, DICT, SETITEM, SETITEMS
            b'}' => self.push(Object::Dictionary(Vec::new()))?,
            b'd' => {
                let elements = self.above_mark()?;
                self.push(Object::Dictionary(pairs(&elements)?))?;
            }
            b's' => {
                let elements = self.last(2)?;
                self.set(&elements)?;
            }
            b'u' => {
                let elements = self.above_mark()?;
                self.set(&elements)?;
            }
            // EMPTY_SET, ADDITEMS, FROZENSET: no tensor is in a set
            0x8f => self.stack.push(OTHER),
            0x90 => drop(self.above_mark()?),
            0x91 => {
                self.above_mark()?;
                self.stack.push(OTHER);
            }
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let (module, name) = (self.input.line()?.to_owned(), self.input.line()?.to_owned());
                self.push(Object::Global(Box::new((module, name))))?;
            }
            0x93 => {
                let names = self.last(2)?;
                let text = |id: Id| match &self.objects[id as usize] {
                    Object::Text(text) => Ok(text.to_string()),
                    _ => Err("expected the name of a class"),
                };
                let global = (text(names[0])?, text(names[1])?);
                self.push(Object::Global(Box::new(global)))?;
            }
            // REDUCE, NEWOBJ, NEWOBJ_EX, BUILD
            b'R' | 0x81 => {
                let parts = self.last(2)?;
                self.call(parts[0], parts[1])?;
            }
            0x92 => {
                let parts = self.last(3)?;
                self.call(parts[0], parts[1])?;
            }
            b'b' => {
                let state = self.pop()?;
                let id = self.top()?;
                if let Object::Call(call) = &mut self.objects[id as usize] {
                    call.state = Some(state);
                }
            }
            // BINPERSID
            b'Q' => {
                let description = self.pop()?;
                self.push(Object::Persistent(description))?;
            }
            // MEMOIZE, BINPUT, LONG_BINPUT, BINGET, LONG_BINGET
            0x94 => self.remember(self.memo.len() as u64)?,
            b'q' => {
                let key = self.input.number::<1>()?;
                self.remember(key)?;
            }
            b'r' => {
                let key = self.input.number::<4>()?;
                self.remember(key)?;
            }
            b'h' => {
                let key = self.input.number::<1>()?;
                self.recall(key)?;
            }
            b'j' => {
                let key = self.input.number::<4>()?;
                self.recall(key)?;
            }
            other => return Err(format!("an unknown instruction, 0x{other:02x}")),
        }
        Ok(None)
    }

    fn push(&mut self, object: Object) -> Step {
        if self.objects.len() >= MOST_OBJECTS {
            return Err(format!("more than {MOST_OBJECTS} objects; save the weights alone"));
        }
        self.stack.push(self.objects.len() as Id);
        self.objects.push(object);
        Ok(())
    }

    fn pop(&mut self) -> Step<Id> {
        self.stack.pop().ok_or_else(|| "nothing to work on".into())
    }

    fn top(&self) -> Step<Id> {
        self.stack.last().copied().ok_or_else(|| "nothing to work on".into())
    }

    /// Takes the last `count` objects from the stack.
    fn last(&mut self, count: usize) -> Step<Vec<Id>> {
        let from = self.stack.len().checked_sub(count).ok_or("too little to work on")?;
        Ok(self.stack.split_off(from))
    }

    /// Takes what is above the last mark from the stack.
    fn above_mark(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len()).ok_or("no mark")?;
        Ok(self.stack.split_off(mark))
    }

    fn integer(&mut self, number: i64) -> Step {
        self.push(Object::Integer(number))
    }

    /// An integer of `length` bytes.
    fn long(&mut self, length: usize) -> Step {
        let bytes = self.input.take(length)?;
        if length > 8 {
            self.stack.push(OTHER);
            return Ok(());
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..length].copy_from_slice(bytes);
        self.integer(i64::from_le_bytes(wide))
    }

    /// A text whose length stands in `N` bytes.
    fn string<const N: usize>(&mut self) -> Step {
        let length = self.input.length::<N>()?;
        let text = String::from_utf8_lossy(self.input.take(length)?).into();
        self.push(Object::Text(text))
    }

    /// Bytes whose length stands in `N` bytes.
    fn bytes<const N: usize>(&mut self) -> Step {
        let length = self.input.length::<N>()?;
        self.input.take(length)?;
        self.stack.push(OTHER);
        Ok(())
    }

    fn append(&mut self, elements: &[Id]) -> Step {
        let id = self.top()?;
        match &mut self.objects[id as usize] {
            Object::Sequence(list) if id != EMPTY_TUPLE => list.extend(elements),
            Object::Call(call) => call.elements.extend(elements),
            _ => {}
        }
        Ok(())
    }

    fn set(&mut self, elements: &[Id]) -> Step {
        let id = self.top()?;
        match &mut self.objects[id as usize] {
            Object::Dictionary(items) => items.extend(pairs(elements)?),
            Object::Call(call) => call.items.extend(pairs(elements)?),
            _ => {}
        }
        Ok(())
    }

    fn call(&mut self, function: Id, arguments: Id) -> Step {
        let call = Call { function, arguments, items: Vec::new(), elements: Vec::new(), state: None };
        self.push(Object::Call(Box::new(call)))
    }

    fn remember(&mut self, key: u64) -> Step {
        self.memo.insert(key, self.top()?);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Step {
        let id = self.memo.get(&key).ok_or_else(|| format!("nothing was remembered as {key}"))?;
        self.stack.push(*id);
        Ok(())
    }
}

/// Keys and values in turn.
fn pairs(elements: &[Id]) -> Step<Vec<(Id, Id)>> {
    let (pairs, rest) = elements.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
    } else {
        Err("a key without a value".into())
    }
}
