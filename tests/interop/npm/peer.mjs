// What Digital Bazaar's cryptosuites make of one request: a JSON object on standard input, the answer on standard
// output. Every document that is looked up stands in the request, nothing is fetched.
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as ecdsaJcs2019 from '@digitalbazaar/ecdsa-jcs-2019-cryptosuite';
import * as eddsaJcs2022 from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {Ed25519Signature2020} from '@digitalbazaar/ed25519-signature-2020';
import {cryptosuite as ecdsaRdfc2019} from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite';
import {cryptosuite as eddsaRdfc2022} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import jsigs from 'jsonld-signatures';
import rdfCanonize from 'rdf-canonize';

const jcs = ({createSignCryptosuite, createVerifyCryptosuite}, Multikey) => ({
  signing: async (key, date) => new DataIntegrityProof({
    signer: (await Multikey.from(key)).signer(), date, cryptosuite: createSignCryptosuite()
  }),
  verifying: () => new DataIntegrityProof({cryptosuite: createVerifyCryptosuite()})
});

const rdfc = (cryptosuite, Multikey) => ({
  signing: async (key, date) =>
    new DataIntegrityProof({signer: (await Multikey.from(key)).signer(), date, cryptosuite}),
  verifying: () => new DataIntegrityProof({cryptosuite})
});

const SUITES = {
  'eddsa-jcs-2022': jcs(eddsaJcs2022, Ed25519Multikey),
  'ecdsa-jcs-2019': jcs(ecdsaJcs2019, EcdsaMultikey),
  'eddsa-rdfc-2022': rdfc(eddsaRdfc2022, Ed25519Multikey),
  'ecdsa-rdfc-2019': rdfc(ecdsaRdfc2019, EcdsaMultikey),
  Ed25519Signature2020: {
    signing: async (key, date) =>
      new Ed25519Signature2020({signer: (await Ed25519Multikey.from(key)).signer(), date}),
    verifying: () => new Ed25519Signature2020()
  }
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
  return jsigs.sign(document, {
    suite: await SUITES[suite].signing(key, created), purpose: purposeOf(rest), documentLoader: loaderOf(rest.documents)
  });
}

async function verify({suite, document, documents, ...rest}) {
  const {verified, results, error} = await jsigs.verify(document, {
    suite: SUITES[suite].verifying(), purpose: purposeOf(rest), documentLoader: loaderOf(documents)
  });
  const reasons = [error, ...(results || []).map(result => result.error)].filter(Boolean).flat();
  return {verified, each: (results || []).map(result => result.verified), reasons: reasons.map(String)};
}

async function canonize({inputs, hash}) {
  const options = {
    algorithm: 'RDFC-1.0', inputFormat: 'application/n-quads', messageDigestAlgorithm: hash, maxWorkFactor: 3
  };
  return Promise.all(inputs.map(input => rdfCanonize.canonize(input, options)));
}

let text = '';
for await (const chunk of process.stdin) {
  text += chunk;
}
const request = JSON.parse(text);
process.stdout.write(JSON.stringify(await {sign, verify, canonize}[request.action](request)));
