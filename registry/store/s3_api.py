"""The part of S3's interface that a store uses, in the terms of ``botocore``: what a client is made from.

``botocore`` describes all of S3 in megabytes of JSON, and reading them takes longer than four requests. Here stand the
requests that :class:`~.s3.S3Store` makes (``HeadBucket`` is asked by the client itself, where a bucket lies in another
region) with the members it uses, and how a request is addressed to a server whose endpoint is given. A test compares
what is sent with what a client of the whole description sends.
"""

from __future__ import annotations

from typing import Any

Described = dict[str, Any]


def _uri(shape: str) -> Described:
    return {"shape": shape, "location": "uri", "locationName": shape, "contextParam": {"name": shape}}


def _header(name: str) -> Described:
    return {"shape": "Text", "location": "header", "locationName": name}


def _query(name: str, shape: str = "Text") -> Described:
    return {"shape": shape, "location": "querystring", "locationName": name}


def _request(*required: str, **members: Described) -> Described:
    return {"type": "structure", "required": [*required], "members": {each: _uri(each) for each in required} | members}


def _structure(**members: str) -> Described:
    return {"type": "structure", "members": {name: {"shape": shape} for name, shape in members.items()}}


def _operation(name: str, method: str, uri: str, **more: Described) -> Described:
    return {"name": name, "http": {"method": method, "requestUri": uri}, "input": {"shape": f"{name}Request"}, **more}


_OBJECT = "/{Bucket}/{Key+}"

SERVICE: Described = {
    "version": "2.0",
    "metadata": {
        "apiVersion": "2006-03-01",
        "auth": ["aws.auth#sigv4"],
        "checksumFormat": "md5",
        "endpointPrefix": "s3",
        "globalEndpoint": "s3.amazonaws.com",
        "protocol": "rest-xml",
        "protocols": ["rest-xml"],
        "serviceFullName": "Amazon Simple Storage Service",
        "serviceId": "S3",
        "signatureVersion": "s3",
    },
    "operations": {
        "PutObject": _operation("PutObject", "PUT", _OBJECT),
        "GetObject": _operation("GetObject", "GET", _OBJECT, output={"shape": "GetObjectOutput"}),
        "DeleteObject": _operation("DeleteObject", "DELETE", _OBJECT),
        "HeadBucket": _operation("HeadBucket", "HEAD", "/{Bucket}"),
        "ListObjectsV2": _operation("ListObjectsV2", "GET", "/{Bucket}?list-type=2", output={"shape": "Listing"}),
    },
    "shapes": {
        "Bucket": {"type": "string"},
        "Key": {"type": "string", "min": 1},
        "Text": {"type": "string"},
        "Whole": {"type": "integer"},
        "Long": {"type": "long"},
        "Flag": {"type": "boolean"},
        "Time": {"type": "timestamp"},
        "Bytes": {"type": "blob", "streaming": True},
        "PutObjectRequest": {
            **_request(
                *("Bucket", "Key"),
                Body={"shape": "Bytes"},
                ContentMD5=_header("Content-MD5"),
                IfNoneMatch=_header("If-None-Match"),
            ),
            "payload": "Body",
        },
        "GetObjectRequest": _request("Bucket", "Key"),
        "GetObjectOutput": {**_structure(Body="Bytes"), "payload": "Body"},
        "DeleteObjectRequest": _request("Bucket", "Key"),
        "HeadBucketRequest": _request("Bucket"),
        "ListObjectsV2Request": _request(
            "Bucket",
            Prefix={**_query("prefix"), "contextParam": {"name": "Prefix"}},
            Delimiter=_query("delimiter"),
            EncodingType=_query("encoding-type"),  # the client asks for it by itself
            MaxKeys=_query("max-keys", "Whole"),
            StartAfter=_query("start-after"),
            ContinuationToken=_query("continuation-token"),
        ),
        "Listing": _structure(
            IsTruncated="Flag",
            NextContinuationToken="Text",
            EncodingType="Text",
            Contents="Objects",
            CommonPrefixes="Prefixes",
        ),
        "Objects": {"type": "list", "member": {"shape": "Object"}, "flattened": True},
        "Object": _structure(Key="Text", LastModified="Time", Size="Long"),
        "Prefixes": {"type": "list", "member": {"shape": "CommonPrefix"}, "flattened": True},
        "CommonPrefix": _structure(Prefix="Text"),
    },
}
"""Five operations of S3 2006-03-01."""


def _ref(name: str) -> Described:
    return {"ref": name}


def _is(value: Described, other: str) -> Described:
    return {"fn": "stringEquals", "argv": [value, other]}


def _when(name: str, value: bool) -> Described:
    return {"fn": "booleanEquals", "argv": [_ref(name), value]}


def _url(part: str) -> Described:
    return {"fn": "getAttr", "argv": [_ref("url"), part]}


def _bucket_is_host(*, dots: bool) -> Described:
    return {"fn": "aws.isVirtualHostableS3Bucket", "argv": [_ref("Bucket"), dots]}


_NOT_AN_ADDRESS = {"fn": "booleanEquals", "argv": [_url("isIp"), False]}
_AS_HOST = "{url#scheme}://{Bucket}.{url#authority}{url#path}"
_AS_PATH = "{url#scheme}://{url#authority}{url#normalizedPath}{Bucket}"


def _send_to(url: str, *conditions: Described, region: str = "{Region}") -> Described:
    """To ``url`` under these conditions, signed for ``region``."""
    scheme = {"name": "sigv4", "signingName": "s3", "signingRegion": region, "disableDoubleEncoding": True}
    endpoint = {"url": url, "headers": {}, "properties": {"authSchemes": [scheme]}}
    return {"type": "endpoint", "conditions": [*conditions], "endpoint": endpoint}


def _tree(conditions: list[Described], *rules: Described) -> Described:
    return {"type": "tree", "conditions": conditions, "rules": [*rules]}


_NO_REGION = _is(_ref("Region"), "aws-global")

RULES: Described = {
    "version": "1.0",
    "parameters": {
        "Bucket": {"type": "string", "required": True},
        "Region": {"type": "string", "required": True, "builtIn": "AWS::Region"},
        "Endpoint": {"type": "string", "required": True, "builtIn": "SDK::Endpoint"},
        "ForcePathStyle": {
            "type": "boolean",
            "required": True,
            "default": False,
            "builtIn": "AWS::S3::ForcePathStyle",
        },
        "Accelerate": {"type": "boolean", "required": True, "default": False, "builtIn": "AWS::S3::Accelerate"},
    },
    "rules": [
        {
            "type": "error",
            "conditions": [_when("Accelerate", True)],
            "error": "A custom endpoint cannot be combined with S3 Accelerate",
        },
        _tree(
            [{"fn": "parseURL", "argv": [_ref("Endpoint")], "assign": "url"}],
            _tree(
                [_when("ForcePathStyle", False), _bucket_is_host(dots=False), _NOT_AN_ADDRESS],
                _send_to(_AS_HOST, _NO_REGION, region="us-east-1"),
                _send_to(_AS_HOST),
            ),
            _send_to(
                _AS_HOST,  # of a name with dots: a certificate for *.host would not cover it
                *(_when("ForcePathStyle", False), _is(_url("scheme"), "http")),
                *(_bucket_is_host(dots=True), {"fn": "not", "argv": [_bucket_is_host(dots=False)]}),
            ),
            _send_to(_AS_PATH, _NO_REGION, region="us-east-1"),
            _send_to(_AS_PATH),
        ),
    ],
}
"""Where requests go when an endpoint is given: to ``bucket.host`` where that is a name, else to ``host/bucket``."""

REGIONS: Described = {
    "version": 3,
    "partitions": [
        {
            "partition": "aws",
            "partitionName": "any server that speaks S3",
            "dnsSuffix": "amazonaws.com",
            "regionRegex": ".+",
            "regions": {},
            "defaults": {"hostname": "{service}.{region}.{dnsSuffix}", "protocols": ["https"]},
            "services": {
                "s3": {
                    "defaults": {"protocols": ["http", "https"], "signatureVersions": ["s3v4"]},
                    "endpoints": {
                        "aws-global": {"hostname": "s3.amazonaws.com", "credentialScope": {"region": "us-east-1"}}
                    },
                    "isRegionalized": True,
                    "partitionEndpoint": "aws-global",
                }
            },
        }
    ],
}
"""Regions as servers with an endpoint of their own have them: any name, or none, which is signed as ``us-east-1``."""
