//! What a pickle describes.

/// The index of an object.
pub type Id = u32;

/// What a pickle describes.
#[derive(Debug)]
pub enum Object {
    /// Something that neither is nor holds a tensor: a number with a point, bytes, a set, `None`.
    Other,
    Integer(i64),
    Text(Box<str>),
    /// A class or a function, by module and name.
    Global(Box<(String, String)>),
    /// A tuple or a list.
    Sequence(Vec<Id>),
    Dictionary(Vec<(Id, Id)>),
    /// The result of a call, with the items and the attributes that it is given afterwards.
    Call(Box<Call>),
    /// What its program keeps outside of the pickle, by a description.
    Persistent(Id),
}

/// A call that is not made.
#[derive(Debug)]
pub struct Call {
    /// What is called.
    pub function: Id,
    /// A tuple.
    pub arguments: Id,
    /// Items, of a subclass of a dictionary.
    pub items: Vec<(Id, Id)>,
    /// Elements, of a subclass of a list.
    pub elements: Vec<Id>,
    /// Attributes, a dictionary.
    pub state: Option<Id>,
}
