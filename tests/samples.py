"""Small real files, as people send them: PDFs with text, photographs, archives. Everything in them is invented."""

import io
import zipfile

import pypdf
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, NumberObject, TextStringObject

# Of nobody: the example of python-stdnum's documentation, with a right key.
NIR = "2 95 10 99 126 111 93"


def writer(*pages):
    """A PDF in the making, one page for each text, in Helvetica."""
    made = pypdf.PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for text in pages or ("Planning de presence, novembre 2026",):
        page = made.add_blank_page(width=595, height=842)
        content = DecodedStreamObject()
        content.set_data(f"BT /F1 12 Tf 72 760 Td ({text}) Tj ET".encode("latin-1"))
        page[NameObject("/Contents")] = made._add_object(content)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
    return made


def written(made):
    buffer = io.BytesIO()
    made.write(buffer)
    return buffer.getvalue()


def pdf(*pages):
    return written(writer(*pages))


def encrypted_pdf(user_password="secret"):
    made = writer()
    made.encrypt(user_password, owner_password="autre", algorithm="RC4-128")
    return written(made)


def pdf_with_action(subtype, **entries):
    """A PDF that does something when it opens."""
    made = writer()
    action = DictionaryObject({NameObject("/S"): NameObject(subtype)})
    for key, value in entries.items():
        action[NameObject(f"/{key}")] = TextStringObject(value)
    made.root_object[NameObject("/OpenAction")] = made._add_object(action)
    return written(made)


def pdf_with_attachment():
    made = writer()
    made.add_attachment("autre.exe", b"MZ")
    return written(made)


def pdf_form(value):
    """A PDF form in which a box was filled in."""
    made = writer()
    box = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/Widget"),
            NameObject("/FT"): NameObject("/Tx"),
            NameObject("/T"): TextStringObject("numero"),
            NameObject("/V"): TextStringObject(value),
            NameObject("/Rect"): ArrayObject([NumberObject(n) for n in (72, 700, 300, 720)]),
        }
    )
    made.pages[0][NameObject("/Annots")] = ArrayObject([made._add_object(box)])
    return written(made)


def image(form="JPEG", size=(64, 48)):
    buffer = io.BytesIO()
    Image.new("RGB", size, "white").save(buffer, form)
    return buffer.getvalue()


def archive(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name in names or ("planning.txt",):
            made.writestr(name, "contenu")
    return buffer.getvalue()


def sent(name, content):
    """A file as a browser sends it, whatever type it claims."""
    return SimpleUploadedFile(name, content, content_type="application/octet-stream")
