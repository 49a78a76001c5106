// What Digital Bazaar's JCS cryptosuites make of one request: a JSON object on standard input, the answer on standard
// output. Every document that is looked up stands in the request, nothing is fetched.
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as ecdsaJcs2019 from '@digitalbazaar/ecdsa-jcs-2019-cryptosuite';
import * as eddsaJcs2022 from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import jsigs from 'jsonld-signatures';

const SUITES = {
  'eddsa-jcs-2022': {cryptosuite: eddsaJcs2022, Multikey: Ed25519Multikey},
  'ecdsa-jcs-2019': {cryptosuite: ecdsaJcs2019, Multikey: EcdsaMultikey}
};

function purposeOf({purpose, challenge, domain}) {
  const {AssertionProofPurpose, AuthenticationProofPurpose} = jsigs.purposes;
  return purpose === 'authentication' ?
    new AuthenticationProofPurpose({challenge, domain}) : new AssertionProofPurpose();
}

function loaderOf(documents = {}) {
  return async url => {
    if(!(url in documents)) {
      throw new Error(`not in the request: ${url}`);
    }
    return {contextUrl: null, documentUrl: url, document: documents[url]};
  };
}

async function sign({suite, document, key, created, ...rest}) {
  const {cryptosuite, Multikey} = SUITES[suite];
  const pair = await Multikey.from(key);
  const proof = new DataIntegrityProof({
    signer: pair.signer(), date: created, cryptosuite: cryptosuite.createSignCryptosuite()
  });
  return jsigs.sign(document, {
    suite: proof, purpose: purposeOf(rest), documentLoader: loaderOf(rest.documents)
  });
}

async function verify({suite, document, documents, ...rest}) {
  const {cryptosuite} = SUITES[suite];
  const proof = new DataIntegrityProof({cryptosuite: cryptosuite.createVerifyCryptosuite()});
  const {verified, results, error} = await jsigs.verify(document, {
    suite: proof, purpose: purposeOf(rest), documentLoader: loaderOf(documents)
  });
  const reasons = [error, ...(results || []).map(result => result.error)].filter(Boolean).flat();
  return {verified, each: (results || []).map(result => result.verified), reasons: reasons.map(String)};
}

let text = '';
for await (const chunk of process.stdin) {
  text += chunk;
}
const request = JSON.parse(text);
process.stdout.write(JSON.stringify(await {sign, verify}[request.action](request)));
